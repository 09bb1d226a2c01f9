//! Reads the table of languages.

use serde::Deserialize;
use toml::Table;

use crate::LanguageEntry;

/// The languages that the service knows, in the order in which they are offered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LanguageTable {
    entries: Vec<LanguageEntry>,
}

impl LanguageTable {
    /// The languages of `languages.toml`.
    #[must_use]
    pub fn built_in() -> Self {
        // A test reads the table, so it can be read.
        Self::read(include_str!("languages.toml")).unwrap_or_default()
    }

    fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut entries = Vec::new();
        for (name, value) in text.parse::<Table>()? {
            let entry = LanguageEntry::deserialize(value)?;
            entries.push(LanguageEntry { name, ..entry });
        }
        Ok(Self { entries })
    }

    /// All languages.
    #[must_use]
    pub fn entries(&self) -> &[LanguageEntry] {
        &self.entries
    }

    /// Finds a language by its canonical name, with its position in the table.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(usize, &LanguageEntry)> {
        let mut entries = self.entries.iter().enumerate();
        entries.find(|(_, entry)| entry.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn built_in() -> Vec<LanguageEntry> {
        let table = LanguageTable::read(include_str!("languages.toml")).unwrap();
        assert!(table.entries().len() >= 22);
        table.entries
    }

    #[test]
    fn every_name_is_canonical_and_means_one_language() {
        let mut seen = HashSet::new();
        for entry in built_in() {
            assert!(entry.language().is_ok(), "{entry:?}");
            for name in entry.aliases.iter().chain([&entry.name]) {
                assert_eq!(*name, name.to_lowercase());
                assert!(seen.insert(name.clone()), "{name} means two languages");
            }
        }
    }

    #[test]
    fn every_language_has_a_file_and_a_greeting() {
        for entry in built_in() {
            assert!(entry.file.contains('.'), "{entry:?}");
            assert!(entry.example.contains("Hello, World!"), "{entry:?}");
        }
    }

    #[test]
    fn what_is_built_from_sources_has_a_source_as_its_code() {
        for entry in built_in().iter().filter(|entry| entry.is_compiled()) {
            assert!(!entry.sources.is_empty() && !entry.artefact.is_empty());
            assert!(entry.file.ends_with(&entry.sources), "{entry:?}");
        }
    }

    #[test]
    fn some_languages_are_interpreted_and_others_compiled() {
        let table = LanguageTable::built_in();
        let is_interpreted = |name| table.find(name).unwrap().1.is_interpreted;
        assert!(is_interpreted("python") && is_interpreted("bash"));
        assert!(!is_interpreted("c") && !is_interpreted("typescript"));
    }
}
