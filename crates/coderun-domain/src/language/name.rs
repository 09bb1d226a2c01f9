//! Compares names of languages as people write them.

use super::{Language, LanguageCatalog};

/// The longest name that is looked for, in bytes.
pub(super) const MAX_BYTES: usize = 64;

/// Whether two names differ in case and separators alone. Separators alone are no name.
pub(super) fn loosely_equal(one: &str, other: &str) -> bool {
    letters(one).next().is_some() && letters(one).eq(letters(other))
}

/// The characters that count, in lower case and as keyboards have them.
fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '_'))
        .map(|c| match c {
            '♯' | '＃' => '#',
            '＋' => '+',
            c => c.to_ascii_lowercase(),
        })
}

/// A name that ends in a version, such as `c++17`, `Python 3.11` or `c++2b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameAndVersion<'a> {
    /// The part before the version.
    pub(crate) name: &'a str,
    /// Numbers with dots between them, and perhaps a letter at the end.
    pub(crate) version: &'a str,
}

impl<'a> NameAndVersion<'a> {
    /// Splits a name; `None` if it does not end in a version.
    pub(crate) fn split(name: &'a str) -> Option<Self> {
        let whole = name.trim();
        let is_version = |c: char| c.is_ascii_digit() || c == '.';
        let digits = whole.strip_suffix(|c: char| c.is_ascii_lowercase());
        let digits = digits.filter(|digits| digits.ends_with(|c: char| c.is_ascii_digit()));
        let name = digits.unwrap_or(whole).trim_end_matches(is_version);
        let version = whole.strip_prefix(name)?.trim_matches('.');
        let is_split = !name.is_empty() && !version.is_empty();
        is_split.then_some(Self { name, version })
    }
}

/// The language whose name or alias is so near to a name that a person may have mistyped it; of several the first by
/// distance, then by name.
pub(crate) fn nearest<'a>(name: &str, catalog: &'a LanguageCatalog) -> Option<&'a Language> {
    if name.len() > MAX_BYTES {
        return None;
    }
    let name = NameAndVersion::split(name).map_or(name, |split| split.name);
    let name: String = letters(name).collect();
    let length = name.chars().count();
    // A third of the letters: a shorter name would be near to all other short ones.
    let greatest = length / 3;
    let distance = |known: &str| {
        let known: String = letters(known).collect();
        let is_near = known.chars().count().abs_diff(length) <= greatest;
        is_near.then(|| strsim::osa_distance(&name, &known))
    };
    let specs = catalog.specs().iter();
    let distances = specs.filter_map(|spec| {
        let aliases = spec.aliases.iter().map(String::as_str);
        let names = std::iter::once(spec.language.as_str()).chain(aliases);
        Some((names.filter_map(distance).min()?, &spec.language))
    });
    let (distance, language) = distances.min()?;
    (distance <= greatest).then_some(language)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::LanguageSpec;
    use crate::testing::{catalog, language};

    #[rstest]
    #[case("c++17", "c++", "17")]
    #[case("C++ 20", "C++ ", "20")]
    #[case(" Java 17 ", "Java ", "17")]
    #[case("python3.11", "python", "3.11")]
    #[case("Node.js 18.2.", "Node.js ", "18.2")]
    #[case("node.18", "node", "18")]
    #[case("c++2b", "c++", "2b")]
    fn a_trailing_version_is_split_off(
        #[case] whole: &str,
        #[case] name: &str,
        #[case] version: &str,
    ) {
        let split = NameAndVersion::split(whole);
        assert_eq!(split, Some(NameAndVersion { name, version }));
    }

    #[rstest]
    #[case("")]
    #[case("3.11")]
    #[case("python")]
    #[case("node.")]
    #[case("f90 compiler")]
    #[case("2b")]
    fn a_name_without_a_version_is_not_split(#[case] name: &str) {
        assert_eq!(NameAndVersion::split(name), None);
    }

    #[rstest]
    #[case("pyton", Some("python"))]
    #[case("Phyton 3", Some("python"))]
    #[case("gc c", Some("c"))]
    #[case::too_far("pyramid", None)]
    #[case::short("d", None)]
    #[case::too_long(&"python".repeat(20), None)]
    fn a_mistyped_name_is_near_to_the_right_one(
        #[case] name: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(nearest(name, &catalog()).map(Language::as_str), expected);
    }

    #[test]
    fn of_two_languages_at_one_distance_the_first_by_name_is_near() {
        let specs = ["rusty", "rusts"].map(|name| LanguageSpec {
            language: language(name),
            ..catalog().specs()[0].clone()
        });
        for specs in [specs.to_vec(), specs.iter().rev().cloned().collect()] {
            let catalog = LanguageCatalog::new(specs);
            assert_eq!(
                nearest("rustx", &catalog).map(Language::as_str),
                Some("rusts")
            );
        }
    }
}
