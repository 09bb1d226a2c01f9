//! Warns of fields that are ignored, because a client may have misspelt them.

use std::fmt;

use serde_ignored::Path;

use crate::wire::SUBMISSIONS_MAX;

/// The most fields that are named, and the longest part of a name.
const NAMES_MAX: usize = 10;
const NAME_MAX_CHARS: usize = 64;

/// What other services and people call a field.
const OTHER_NAMES: [(&str, &str); 12] = [
    ("argv", "args"),
    ("arguments", "args"),
    ("lang", "language"),
    ("language_version", "version"),
    ("memory_limit", "limits.memory_bytes"),
    ("program", "code"),
    ("script", "code"),
    ("source", "code"),
    ("source_code", "code"),
    ("stdin", "input_data"),
    ("time_limit", "limits.cpu_time_ms"),
    ("timeout", "limits.wall_time_ms"),
];

/// The names of fields that the service does not know: those of a submission and of its `limits`.
#[derive(Debug, Default)]
pub(crate) struct UnknownFields(Vec<UnknownField>);

/// The unknown fields of one submission.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnknownFieldsOf<'a> {
    all: &'a UnknownFields,
    submission: SubmissionIndex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SubmissionIndex {
    /// The body is one submission.
    Only,
    /// Its place in a batch.
    InBatch(usize),
}

#[derive(Debug, PartialEq, Eq)]
struct UnknownField {
    submission: SubmissionIndex,
    /// The path of the object, with a dot at its end where there is one.
    parent: &'static str,
    name: String,
}

impl UnknownFields {
    /// Notes once that a field was ignored. Fields elsewhere are not noted: they belong to a value of the wrong type.
    pub(super) fn note(&mut self, path: &Path<'_>) {
        let Path::Map { parent, key } = path else {
            return;
        };
        let (object, parent) = if let Path::Map { parent, key } = parent
            && key == "limits"
        {
            (*parent, "limits.")
        } else {
            (*parent, "")
        };
        let Some(submission) = SubmissionIndex::of(object) else {
            return;
        };
        let field = UnknownField {
            submission,
            parent,
            name: key.chars().take(NAME_MAX_CHARS).collect(),
        };
        let is_of_same = |field: &&UnknownField| field.submission == submission;
        if self.0.iter().filter(is_of_same).count() < NAMES_MAX && !self.0.contains(&field) {
            self.0.push(field);
        }
    }

    /// Those of the only submission of a body.
    pub(crate) const fn of_body(&self) -> UnknownFieldsOf<'_> {
        UnknownFieldsOf {
            all: self,
            submission: SubmissionIndex::Only,
        }
    }

    /// Those of one submission in a batch.
    pub(crate) const fn of_entry(&self, index: usize) -> UnknownFieldsOf<'_> {
        UnknownFieldsOf {
            all: self,
            submission: SubmissionIndex::InBatch(index),
        }
    }
}

impl SubmissionIndex {
    /// The submission at this path, if there is one. A longer list of submissions is refused, so that few fields are kept.
    const fn of(path: &Path<'_>) -> Option<Self> {
        match path {
            Path::Root => Some(Self::Only),
            // An entry of `submissions`, or of `files`, of which nobody asks for warnings.
            Path::Seq {
                parent: Path::Map {
                    parent: Path::Root, ..
                },
                index,
            } if *index < SUBMISSIONS_MAX => Some(Self::InBatch(*index)),
            Path::Seq { .. }
            | Path::Map { .. }
            | Path::Some { .. }
            | Path::NewtypeStruct { .. }
            | Path::NewtypeVariant { .. } => None,
        }
    }
}

impl UnknownFieldsOf<'_> {
    /// A sentence for each field, which suggests the nearest of the known ones. Those have paths such as
    /// `limits.memory_bytes`.
    pub(crate) fn warnings(self, known: &[&'static str]) -> Vec<String> {
        let warning = |unknown: &UnknownField| match unknown.suggestion(known) {
            Some(nearest) => format!("unknown field `{unknown}`; did you mean `{nearest}`?"),
            None => format!("unknown field `{unknown}`"),
        };
        let own = self
            .all
            .0
            .iter()
            .filter(|field| field.submission == self.submission);
        own.map(warning).collect()
    }
}

impl UnknownField {
    fn suggestion(&self, known: &[&'static str]) -> Option<&'static str> {
        let name = self.name.to_ascii_lowercase().replace('-', "_");
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == name);
        if let Some((_, path)) = other.filter(|_| self.parent.is_empty()) {
            return Some(path);
        }
        let siblings = known.iter().filter_map(|path| {
            let sibling = path.strip_prefix(self.parent)?;
            (!sibling.contains('.')).then_some((*path, sibling))
        });
        let near = siblings.filter_map(|(path, sibling)| {
            let is_part = name.len() >= 3 && sibling.starts_with(&name);
            let distance = if is_part {
                0
            } else {
                strsim::osa_distance(&name, sibling)
            };
            (distance <= name.len() / 3).then_some((distance, path))
        });
        near.min().map(|(_, path)| path)
    }
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.parent, self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use super::super::parse;
    use super::*;
    use crate::wire::{BatchRequest, SubmitRequest};

    /// Each field that is ignored is compared with those that are kept.
    #[test]
    fn few_unknown_fields_are_kept_of_many_entries() {
        let fields: Vec<_> = (0..=NAMES_MAX).map(|n| format!("\"x{n}\":0")).collect();
        let entry = format!("{{{}}}", fields.join(","));
        let entries: Vec<_> = repeat_n(entry, 10 * SUBMISSIONS_MAX).collect();
        let body = |list: &str| format!("{{\"{list}\":[{}]}}", entries.join(","));
        let (_, files) = parse::<SubmitRequest>(body("files").as_bytes()).unwrap();
        let (_, batch) = parse::<BatchRequest>(body("submissions").as_bytes()).unwrap();
        for unknown in [files, batch] {
            assert_eq!(unknown.0.len(), NAMES_MAX * SUBMISSIONS_MAX);
        }
    }
}
