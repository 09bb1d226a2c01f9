//! Describes languages that are known and cannot be run now.

use std::fmt;

use super::Language;

/// A language that is known and cannot be run now, or one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnavailableLanguage {
    /// The canonical name.
    pub language: Language,
    /// Other names for the language, in lower case.
    pub aliases: Vec<String>,
    /// The version; `None` if it is about the language as a whole.
    pub version: Option<String>,
    /// Why it cannot be run.
    pub cause: UnavailableCause,
}

/// Why a language cannot be run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnavailableCause {
    /// Its first trial has not ended.
    BeingChecked,
    /// Its last trial failed, for this reason, in words that anyone may read.
    Failing(String),
    /// No runner has a tool for it.
    NotInstalled,
}

impl UnavailableLanguage {
    /// The language, with the version if it is about one.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.language),
            None => self.language.to_string(),
        }
    }

    /// Whether it may be offered in a moment.
    #[must_use]
    pub fn is_being_checked(&self) -> bool {
        self.cause == UnavailableCause::BeingChecked
    }

    /// Whether it is about this language, in this version where both name one.
    #[must_use]
    pub fn concerns(&self, language: &Language, version: Option<&str>) -> bool {
        let versions = self.version.as_deref().zip(version);
        self.language == *language && versions.is_none_or(|(own, other)| own == other)
    }
}

impl fmt::Display for UnavailableLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match &self.cause {
            UnavailableCause::BeingChecked => write!(f, "{name} is being checked"),
            UnavailableCause::Failing(reason) => write!(f, "{name} does not run: {reason}"),
            UnavailableCause::NotInstalled => write!(f, "{name} is not installed"),
        }
    }
}
