//! Finds the names that submitted code gives to its file and to the class that is run.

mod java;

use coderun_domain::FileName;
use serde::Deserialize;

use crate::LanguageEntry;

/// The rule by which code names its file and its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameRule {
    /// A public type names the file; the class that is run is the one with `main`.
    Java,
}

/// The names of one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeNames {
    /// The file in which the code is stored.
    pub file: String,
    /// The class that is run, with its package.
    pub class: String,
}

impl LanguageEntry {
    /// The names of this code: those of the language, unless it has a rule and the code says otherwise, or one of the other
    /// source texts where the code has nothing to run.
    #[must_use]
    pub fn names_of<'a>(&self, code: &str, others: impl IntoIterator<Item = &'a str>) -> CodeNames {
        let stem = self.file.split('.').next().unwrap_or_default();
        let (file, class) = match self.name_rule {
            Some(NameRule::Java) => java::names(code, others),
            None => (None, None),
        };
        let file = file.filter(|name| FileName::parse(name).is_ok());
        CodeNames {
            file: file.unwrap_or_else(|| self.file.clone()),
            class: class.unwrap_or_else(|| stem.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
