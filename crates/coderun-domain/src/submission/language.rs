//! Finds the language and version of a submission.

use super::SubmissionDraft;
use crate::language::{NameAndVersion, nearest};
use crate::{
    Field, FieldError, FieldProblem, LanguageCatalog, LanguageSpec, SubmissionError,
    UnavailableLanguage,
};

/// The language of a submission, and the version that will run.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChosenLanguage<'a> {
    pub(super) spec: &'a LanguageSpec,
    /// `None` if the runner does not name its versions.
    pub(super) version: Option<&'a str>,
}

/// Finds the language that a draft names, and adds what is wrong with its name or version to `errors`.
pub(super) fn find<'a>(
    draft: &SubmissionDraft,
    catalog: &'a LanguageCatalog,
    errors: &mut SubmissionError,
) -> Option<ChosenLanguage<'a>> {
    let (spec, version_in_name) = match find_by_name(draft, catalog) {
        Ok(found) => found,
        Err(problem) => {
            errors.add(Field::Language, problem);
            return None;
        }
    };
    let requested = match requested_version(draft.version.as_deref(), version_in_name) {
        Ok(requested) => requested,
        Err(problem) => {
            errors.add(Field::Version, problem);
            None
        }
    };
    let version = spec.version(requested);
    if let (Some(requested), None) = (requested, version) {
        let field = if draft.version.as_deref() == Some(requested) {
            Field::Version
        } else {
            Field::Language
        };
        errors.add(field, unoffered_version(spec, requested, catalog));
    }
    Some(ChosenLanguage { spec, version })
}

impl SubmissionDraft {
    /// What the draft names and has to wait for, because it is still being checked.
    #[must_use]
    pub fn language_being_checked(&self, catalog: &LanguageCatalog) -> Option<UnavailableLanguage> {
        let mut errors = SubmissionError::default();
        if catalog.is_being_checked() {
            find(self, catalog, &mut errors);
        }
        let mut found = errors.errors().iter();
        found.find_map(FieldError::language_being_checked).cloned()
    }
}

/// The language of this name, and the version in the name if only the rest of it is a name.
fn find_by_name<'a, 'd>(
    draft: &'d SubmissionDraft,
    catalog: &'a LanguageCatalog,
) -> Result<(&'a LanguageSpec, Option<&'d str>), FieldProblem> {
    let name = draft.language.as_str();
    if name.is_empty() {
        return Err(FieldProblem::Empty);
    }
    let mut version = None;
    let mut found = catalog.find_all(name);
    if found.is_empty()
        && let Some(split) = NameAndVersion::split(name)
    {
        version = Some(split.version);
        found = catalog.find_all(split.name);
    }
    if found.is_empty() {
        found = find_each(name, catalog);
    }
    match found.as_slice() {
        [spec] => Ok((spec, version)),
        [] => Err(unoffered_language(draft, catalog)),
        several => {
            let mut languages: Vec<_> = several.iter().map(|it| it.language.clone()).collect();
            languages.sort();
            Err(FieldProblem::AmbiguousLanguage { languages })
        }
    }
}

/// The most languages of one name such as `C/C++`.
const NAME_PARTS_MAX: usize = 4;

/// All languages of a name such as `C/C++`, if each part is the name of a language.
fn find_each<'a>(name: &str, catalog: &'a LanguageCatalog) -> Vec<&'a LanguageSpec> {
    let mut all = Vec::new();
    if name.split('/').nth(NAME_PARTS_MAX).is_some() {
        return all;
    }
    for part in name.split('/') {
        let found = catalog.find_all(part);
        if found.is_empty() {
            return Vec::new();
        }
        all.extend(found);
    }
    all.sort_by_key(|spec| &spec.language);
    all.dedup();
    all
}

/// Why no language of the draft's name can be run.
fn unoffered_language(draft: &SubmissionDraft, catalog: &LanguageCatalog) -> FieldProblem {
    let (name, version) = (draft.language.as_str(), draft.version.as_deref());
    let without_version = || {
        let split = NameAndVersion::split(name)?;
        catalog.find_unavailable(split.name, version.or(Some(split.version)))
    };
    let unavailable = catalog.find_unavailable(name, version);
    let unavailable = unavailable.or_else(without_version);
    let known = catalog.specs().iter().map(with_aliases).collect();
    match unavailable {
        Some(language) => FieldProblem::UnavailableLanguage {
            language: language.clone(),
            known,
        },
        None => FieldProblem::UnknownLanguage {
            known,
            nearest: nearest(name, catalog).cloned(),
        },
    }
}

/// Why a language that is offered cannot be run in this version.
fn unoffered_version(
    spec: &LanguageSpec,
    requested: &str,
    catalog: &LanguageCatalog,
) -> FieldProblem {
    let known = spec.versions.clone();
    let is_meant = |it: &&UnavailableLanguage| {
        let version = it.version.as_deref();
        it.language == spec.language
            && version.is_some_and(|version| LanguageSpec::is_version(version, requested))
    };
    match catalog.unavailable().iter().find(is_meant) {
        Some(language) => FieldProblem::UnavailableLanguage {
            language: language.clone(),
            known,
        },
        None => FieldProblem::UnknownVersion {
            version: shortened(requested),
            language: spec.language.clone(),
            known,
        },
    }
}

fn with_aliases(spec: &LanguageSpec) -> String {
    if spec.aliases.is_empty() {
        return spec.language.to_string();
    }
    format!("{} ({})", spec.language, spec.aliases.join(", "))
}

/// The narrower one of the version in the field and that in the name, which must not contradict each other.
fn requested_version<'a>(
    in_field: Option<&'a str>,
    in_name: Option<&'a str>,
) -> Result<Option<&'a str>, FieldProblem> {
    let (Some(field), Some(name)) = (in_field, in_name) else {
        return Ok(in_field.or(in_name));
    };
    if LanguageSpec::is_version(field, name) {
        Ok(in_field)
    } else if LanguageSpec::is_version(name, field) {
        Ok(in_name)
    } else {
        Err(FieldProblem::ContradictsLanguage {
            version: shortened(field),
            version_in_name: shortened(name),
        })
    }
}

/// A version as a message may show it.
fn shortened(version: &str) -> String {
    const MAX_CHARS: usize = 32;
    match version.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", version.get(..end).unwrap_or_default()),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests;
