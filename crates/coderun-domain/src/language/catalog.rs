//! Lists the languages that can be run, and finds them by name.

use super::name::{MAX_BYTES, loosely_equal};
use super::{Language, LanguageSpec, UnavailableLanguage};

/// The languages that can be run, found by name or alias.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanguageCatalog {
    specs: Vec<LanguageSpec>,
    unavailable: Vec<UnavailableLanguage>,
}

impl LanguageCatalog {
    /// A catalog of what a runner offers, in the runner's order.
    #[must_use]
    pub const fn new(specs: Vec<LanguageSpec>) -> Self {
        Self {
            specs,
            unavailable: Vec::new(),
        }
    }

    /// The same with languages that are known and cannot be run now. Those that the catalog has are left out, and of two for
    /// one version the first counts.
    #[must_use]
    pub fn with_unavailable(
        mut self,
        unavailable: impl IntoIterator<Item = UnavailableLanguage>,
    ) -> Self {
        for it in unavailable {
            let version = it.version.as_deref();
            let mut known = self.unavailable.iter();
            if !self.has(&it.language, version)
                && !known.any(|known| known.concerns(&it.language, version))
            {
                self.unavailable.push(it);
            }
        }
        self
    }

    /// Whether it has a language, in a version if one is named.
    fn has(&self, language: &Language, version: Option<&str>) -> bool {
        let mut specs = self.specs.iter();
        specs.any(|spec| {
            spec.language == *language
                && version.is_none_or(|version| spec.versions.iter().any(|it| it == version))
        })
    }

    /// The languages and versions that are known and cannot be run now.
    #[must_use]
    pub fn unavailable(&self) -> &[UnavailableLanguage] {
        &self.unavailable
    }

    /// Whether any language or version may be offered in a moment.
    #[must_use]
    pub fn is_being_checked(&self) -> bool {
        self.unavailable
            .iter()
            .any(UnavailableLanguage::is_being_checked)
    }

    /// All languages.
    #[must_use]
    pub fn specs(&self) -> &[LanguageSpec] {
        &self.specs
    }

    /// The canonical names of all languages.
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        self.specs
            .iter()
            .map(|spec| spec.language.clone())
            .collect()
    }

    /// Finds a language by its canonical name or an alias, in any case, with or without spaces, dots, dashes and
    /// underscores. `None` if the name means several languages.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&LanguageSpec> {
        match self.find_all(name).as_slice() {
            [spec] => Some(spec),
            _ => None,
        }
    }

    /// The languages that a name means: more than one where several have the same alias.
    ///
    /// A canonical name goes before an alias, and a name as it stands before one with other separators. So the answer
    /// does not depend on the order of the languages.
    pub(crate) fn find_all(&self, name: &str) -> Vec<&LanguageSpec> {
        find_all(&self.specs, |spec| (&spec.language, &spec.aliases), name)
    }

    /// The first of the languages that a name means and that cannot be run now: in the requested version, if that is among
    /// them.
    pub(crate) fn find_unavailable(
        &self,
        name: &str,
        requested: Option<&str>,
    ) -> Option<&UnavailableLanguage> {
        let found = find_all(&self.unavailable, |it| (&it.language, &it.aliases), name);
        let is_requested = |it: &&&UnavailableLanguage| {
            let versions = it.version.as_deref().zip(requested);
            versions.is_some_and(|(own, requested)| LanguageSpec::is_version(own, requested))
        };
        let requested = found.iter().find(is_requested);
        requested.or_else(|| found.first()).copied()
    }
}

/// All that a name means, where `names` are canonical name and aliases of each.
fn find_all<'a, T>(
    all: &'a [T],
    names: fn(&T) -> (&Language, &[String]),
    name: &str,
) -> Vec<&'a T> {
    if name.len() > MAX_BYTES {
        return Vec::new();
    }
    let is_canonical =
        |it: &T, is_equal: fn(&str, &str) -> bool| is_equal(names(it).0.as_str(), name);
    let is_alias = |it: &T, is_equal: fn(&str, &str) -> bool| {
        names(it).1.iter().any(|alias| is_equal(alias, name))
    };
    // One level after the other: nearly all names are canonical.
    let levels: [&dyn Fn(&T) -> bool; 4] = [
        &|it| is_canonical(it, str::eq_ignore_ascii_case),
        &|it| is_alias(it, str::eq_ignore_ascii_case),
        &|it| is_canonical(it, loosely_equal),
        &|it| is_alias(it, loosely_equal),
    ];
    let found = levels
        .into_iter()
        .map(|is_meant| all.iter().filter(|it| is_meant(it)).collect::<Vec<_>>());
    let mut found = found.filter(|found| !found.is_empty());
    found.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::LanguageLimits;
    use crate::testing::language;

    fn spec(name: &str, aliases: &[&str]) -> LanguageSpec {
        LanguageSpec {
            language: language(name),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            versions: Vec::new(),
            entry_file: "main".to_owned(),
            example: String::new(),
            limits: LanguageLimits::default(),
        }
    }

    fn specs() -> Vec<LanguageSpec> {
        vec![
            spec("python", &["py", "python3"]),
            spec("javascript", &["js", "nodejs"]),
            spec("c", &["gcc", "shared"]),
            spec("cpp", &["c++", "shared"]),
            spec("csharp", &["c#"]),
            spec("python-numpy", &["n.u.m.p.y"]),
            // The name of one language is the alias of another one, and an alias differs from a name by separators alone.
            spec("node", &["java_script", "python"]),
        ]
    }

    /// The language of this name, whatever the order of the languages is.
    fn found(name: &str) -> Option<String> {
        let mut specs = specs();
        let mut answers = Vec::new();
        for _ in 0..specs.len() {
            specs.rotate_left(1);
            for specs in [specs.clone(), specs.iter().rev().cloned().collect()] {
                let catalog = LanguageCatalog::new(specs);
                answers.push(catalog.find(name).map(|spec| spec.language.to_string()));
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{name} depends on the order: {answers:?}");
        answers.remove(0)
    }

    #[rstest]
    #[case("Python", "python")]
    #[case("PY", "python")]
    #[case(" py ", "python")]
    #[case("Python 3", "python")]
    #[case("Node.js", "javascript")]
    #[case("node js", "javascript")]
    #[case("Java Script", "javascript")]
    #[case("java_script", "node")]
    #[case("node", "node")]
    #[case("C#", "csharp")]
    #[case("C♯", "csharp")]
    #[case("C ++", "cpp")]
    #[case("Python NumPy", "python-numpy")]
    #[case("numpy", "python-numpy")]
    fn a_name_is_found_as_people_write_it(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(found(name).as_deref(), Some(expected));
    }

    #[rstest]
    #[case::empty("")]
    #[case::separators_alone(" . ")]
    #[case::a_part("pyth")]
    #[case::other_signs("c/c++")]
    #[case::a_version("python3.11")]
    #[case::an_alias_of_two_languages("shared")]
    fn any_other_name_is_not_found(#[case] name: &str) {
        assert_eq!(found(name), None);
    }

    #[test]
    fn an_alias_of_two_languages_means_both() {
        let catalog = LanguageCatalog::new(specs());
        let both = catalog.find_all("Shared").into_iter();
        assert!(both.map(|spec| spec.language.as_str()).eq(["c", "cpp"]));
    }

    #[test]
    fn a_name_of_many_bytes_is_not_even_compared() {
        let padded = format!("python{}", " ".repeat(MAX_BYTES));
        assert_eq!(found(&padded), None);
    }
}
