//! Names languages and describes those that can be run.

mod catalog;
mod limits;
mod name;
mod unavailable;

use std::fmt;

pub use catalog::LanguageCatalog;
pub use limits::LanguageLimits;
pub(crate) use name::{NameAndVersion, nearest};
pub use unavailable::{UnavailableCause, UnavailableLanguage};

/// The canonical name of a language, such as `python` or `cpp`.
///
/// 1 to [`Language::MAX_BYTES`] bytes of lowercase ASCII letters, digits and `+ # . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

impl Language {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// Checks and wraps a canonical name.
    ///
    /// # Errors
    /// [`LanguageNameError`] when the name is empty, too long or has other characters.
    pub fn parse(name: &str) -> Result<Self, LanguageNameError> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+#._-".contains(c);
        if name.is_empty() || name.len() > Self::MAX_BYTES || !name.chars().all(allowed) {
            return Err(LanguageNameError);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says that a text is not a canonical language name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language name has 1 to 32 characters of `a-z 0-9 + # . _ -`")]
pub struct LanguageNameError;

/// One language as a runner offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguageSpec {
    /// The canonical name.
    pub language: Language,
    /// Other names for the language, in lower case.
    pub aliases: Vec<String>,
    /// The installed versions, such as `3.11.2`; the first is the default. Empty if the runner does not know them.
    pub versions: Vec<String>,
    /// The file name of the submitted code, which no submitted file may have; empty if the code itself decides.
    pub entry_file: String,
    /// A short program that prints a greeting.
    pub example: String,
    /// The limits in which it differs from other languages.
    pub limits: LanguageLimits,
}

impl LanguageSpec {
    /// The installed version that a request selects: the equal one, or the first that begins with it (`3` selects `3.11.2`).
    /// Without a request it is the default.
    #[must_use]
    pub fn version(&self, requested: Option<&str>) -> Option<&str> {
        let mut versions = self.versions.iter();
        let wanted = |installed: &&String| {
            requested.is_none_or(|requested| Self::is_version(installed, requested))
        };
        versions.find(wanted).map(String::as_str)
    }

    /// Whether a version is the requested one, or begins with it.
    pub(crate) fn is_version(version: &str, requested: &str) -> bool {
        let rest = version.strip_prefix(requested);
        !requested.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python() -> LanguageSpec {
        LanguageSpec {
            language: Language::parse("python").unwrap(),
            aliases: vec!["py".to_owned(), "python3".to_owned()],
            versions: vec!["3.11.2".to_owned(), "3.9.18".to_owned()],
            entry_file: "main.py".to_owned(),
            example: "print('hello')".to_owned(),
            limits: LanguageLimits::default(),
        }
    }

    #[test]
    fn a_version_is_met_by_whole_parts() {
        let python = python();
        assert_eq!(python.version(None), Some("3.11.2"));
        assert_eq!(python.version(Some("3")), Some("3.11.2"));
        assert_eq!(python.version(Some("3.9")), Some("3.9.18"));
        assert_eq!(python.version(Some("3.9.18")), Some("3.9.18"));
        assert_eq!(python.version(Some("3.1")), None);
        assert_eq!(python.version(Some("")), None);
    }

    #[test]
    fn a_name_has_its_alphabet_and_length() {
        assert!(Language::parse(&"a".repeat(32)).is_ok());
        assert_eq!(Language::parse(&"a".repeat(33)), Err(LanguageNameError));
        for name in ["", "C", "c c", "é", "a/b"] {
            assert_eq!(Language::parse(name), Err(LanguageNameError), "{name}");
        }
        assert!(Language::parse("c++").is_ok());
    }
}
