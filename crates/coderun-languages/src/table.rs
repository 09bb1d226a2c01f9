//! Reads the table of languages, and adds an operator's file to it.

use std::collections::HashMap;

use coderun_domain::{UnavailableCause, UnavailableLanguage};
use serde::Deserialize;
use toml::{Table, Value};

use crate::LanguageEntry;
use crate::check::check;

/// The languages that the service knows, in the order in which they are offered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LanguageTable {
    entries: Vec<LanguageEntry>,
}

/// Why an operator's file of languages cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LanguageTableError {
    /// The text is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A language cannot be used.
    #[error("language `{language}`: {problem}")]
    Language {
        /// Its name.
        language: String,
        /// The key and what is wrong with it.
        problem: String,
    },
}

const BUILT_IN: &str = include_str!("languages.toml");

/// The key that takes over all keys of another language but [`OWN_KEYS`].
const LIKE: &str = "like";

/// The keys that no language takes over from another: names mean one language, and so do tools that are versions of it.
const OWN_KEYS: [&str; 2] = ["aliases", "more_tools"];

impl LanguageTable {
    /// The languages of `languages.toml`.
    #[must_use]
    pub fn built_in() -> Self {
        // A test reads the table, so it can be read.
        Self::with_file("").unwrap_or_default()
    }

    /// The languages of `languages.toml`, with those of an operator's file: its languages are added, and each key of a
    /// language that is there already replaces just that key.
    ///
    /// # Errors
    /// [`LanguageTableError`] names the language and what is wrong with it.
    pub fn with_file(text: &str) -> Result<Self, LanguageTableError> {
        let mut languages = parse(BUILT_IN)?;
        let own = parse(text)?;
        merge(&mut languages, own.clone());
        let entries = languages.iter().map(|(name, value)| {
            let entry = entry(name, value, &languages);
            entry.map_err(|problem| LanguageTableError::Language {
                language: name.clone(),
                problem,
            })
        });
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        check_names(&entries)?;
        for entry in &mut entries {
            let own = own.get(&entry.name).and_then(Value::as_table);
            let names = |key| own.is_some_and(|own| own.contains_key(key));
            entry.has_own_tools = names("tools") || names("more_tools");
        }
        Ok(Self { entries })
    }

    /// The table without all languages but these.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.entries
            .retain(|entry| names.contains(&entry.name.as_str()));
        self
    }

    /// All languages.
    #[must_use]
    pub fn entries(&self) -> &[LanguageEntry] {
        &self.entries
    }

    /// All languages, as those that no runner has.
    #[must_use]
    pub fn not_installed(&self) -> Vec<UnavailableLanguage> {
        let entries = self.entries.iter().filter_map(|entry| {
            Some(UnavailableLanguage {
                language: entry.language().ok()?,
                aliases: entry.aliases.clone(),
                version: None,
                cause: UnavailableCause::NotInstalled,
            })
        });
        entries.collect()
    }

    /// Finds a language by its canonical name, with its position in the table.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(usize, &LanguageEntry)> {
        let mut entries = self.entries.iter().enumerate();
        entries.find(|(_, entry)| entry.name == name)
    }
}

fn parse(text: &str) -> Result<Table, LanguageTableError> {
    let parsed = text.parse();
    parsed.map_err(|error: toml::de::Error| LanguageTableError::Syntax(one_line(&error)))
}

/// An error in one line: TOML's own has the key or the place in the text on lines of their own.
pub(crate) fn one_line(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Puts the keys of one table over those of another, and so on in tables of both.
fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn entry(name: &str, value: &Value, languages: &Table) -> Result<LanguageEntry, String> {
    let Value::Table(own) = value else {
        return Err(format!("must be a table, written as `[{name}]`"));
    };
    let own = with_keys_of_other(own, languages)?;
    let entry = LanguageEntry::deserialize(own).map_err(|error| one_line(&error))?;
    let entry = LanguageEntry {
        name: name.to_owned(),
        ..entry
    };
    check(&entry)?;
    Ok(entry)
}

/// Adds the keys that a language takes over from the one that `like` names.
fn with_keys_of_other(own: &Table, languages: &Table) -> Result<Table, String> {
    let mut own = own.clone();
    let Some(like) = own.remove(LIKE) else {
        return Ok(own);
    };
    let other = like.as_str().and_then(|like| languages.get(like));
    let other = other.and_then(Value::as_table);
    let mut keys = other
        .ok_or_else(|| format!("`{LIKE}` must name a language, not {like}"))?
        .clone();
    if keys.contains_key(LIKE) {
        return Err(format!(
            "`{LIKE}` must name a language without `{LIKE}` of its own, not {like}"
        ));
    }
    for key in OWN_KEYS {
        keys.remove(key);
    }
    merge(&mut keys, own);
    keys.insert(LIKE.to_owned(), like);
    Ok(keys)
}

/// Checks that each name and alias means one language.
fn check_names(entries: &[LanguageEntry]) -> Result<(), LanguageTableError> {
    let names = entries.iter().map(|entry| (entry.name(), entry.name()));
    let mut meanings: HashMap<&str, &str> = names.collect();
    for entry in entries {
        for alias in &entry.aliases {
            if let Some(other) = meanings.insert(alias, entry.name()) {
                return Err(LanguageTableError::Language {
                    language: entry.name.clone(),
                    problem: format!("`aliases`: `{alias}` means `{other}` already"),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
