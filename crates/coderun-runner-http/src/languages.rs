//! Knows common languages by their canonical names: `languages.toml` lists them.

use serde::Deserialize;

/// The common languages.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct KnownLanguages {
    #[serde(rename = "language")]
    languages: Vec<KnownLanguage>,
}

/// A common language.
#[derive(Debug, Deserialize)]
pub(crate) struct KnownLanguage {
    name: String,
    /// Other names that mean it, in lower case.
    pub(crate) aliases: Vec<String>,
    /// The file name of the submitted code.
    pub(crate) entry_file: String,
    /// A short program that prints a greeting.
    pub(crate) example: String,
    /// Whether no API compiles it.
    #[serde(default, rename = "interpreted")]
    pub(crate) is_interpreted: bool,
}

impl KnownLanguages {
    /// The languages of the list.
    pub(crate) fn read() -> Self {
        // A test reads the list, so it can be read.
        toml::from_str(include_str!("languages.toml")).unwrap_or_default()
    }

    /// Finds a language by its canonical name, with its position in the list.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, &KnownLanguage)> {
        let mut languages = self.languages.iter().enumerate();
        languages.find(|(_, known)| known.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use coderun_domain::Language;

    use super::*;

    #[test]
    fn every_name_is_canonical_and_means_one_language() {
        let known = KnownLanguages::read();
        assert_eq!(known.languages.len(), 22);
        let mut seen = HashSet::new();
        for language in &known.languages {
            assert!(Language::parse(&language.name).is_ok(), "{language:?}");
            for name in language.aliases.iter().chain([&language.name]) {
                assert_eq!(*name, name.to_lowercase());
                assert!(seen.insert(name), "{name} means two languages");
            }
        }
    }

    #[test]
    fn every_language_has_an_entry_file_and_a_greeting() {
        for language in KnownLanguages::read().languages {
            assert!(language.entry_file.contains('.'), "{language:?}");
            assert!(language.example.contains("Hello, World!"), "{language:?}");
        }
    }

    #[test]
    fn some_languages_are_interpreted_and_others_compiled() {
        let known = KnownLanguages::read();
        let is_interpreted = |name| known.find(name).unwrap().1.is_interpreted;
        assert!(is_interpreted("python") && is_interpreted("bash"));
        assert!(!is_interpreted("c") && !is_interpreted("typescript"));
    }
}
