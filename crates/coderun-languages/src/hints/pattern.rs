//! Wraps a regular expression that describes whole lines.

use regex_lite::{Captures, Regex};
use serde::Deserialize;

/// A regular expression for a text from its first to its last character.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(Regex);

impl Pattern {
    pub(super) fn captures<'text>(&self, text: &'text str) -> Option<Captures<'text>> {
        self.0.captures(text)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The number of its groups.
    pub(super) fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }
}

impl TryFrom<String> for Pattern {
    type Error = regex_lite::Error;

    fn try_from(pattern: String) -> Result<Self, Self::Error> {
        Regex::new(&format!("\\A(?:{pattern})\\z")).map(Self)
    }
}
