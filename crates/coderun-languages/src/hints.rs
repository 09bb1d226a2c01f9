//! Finds the sentence that helps after a beginner's mistake.
//!
//! `hints.toml` has the mistakes as data: what runtimes and compilers say, and how programs end. Only the end of what a program
//! wrote counts, or the compiler's first error, together with language, verdict and exit status. A program that itself writes such
//! a message last, and ends as the runtime would, gets the hint, too.

mod failed_run;
mod group;
mod hint;
mod pattern;

use coderun_domain::{HintSource, Outcome, Submission};
use serde::Deserialize;
use toml::Table;

use crate::LanguageTable;
use crate::table::one_line;
use failed_run::FailedRun;
use group::Group;
use hint::Hint;

/// The mistakes that the service knows.
#[derive(Debug, Clone, Default)]
pub struct HintTable {
    groups: Vec<Group>,
}

impl HintTable {
    /// The mistakes of `hints.toml`.
    #[must_use]
    pub fn built_in() -> Self {
        // A test reads the table, so it can be read.
        Self::read(include_str!("hints.toml")).unwrap_or_default()
    }

    /// The built-in mistakes, where those of a language are also those of the languages that are like it. The hints of the
    /// table come before them.
    #[must_use]
    pub fn for_languages(languages: &LanguageTable) -> Self {
        let mut hints = Self::built_in();
        for entry in languages.entries() {
            if let Some(other) = &entry.like {
                hints
                    .groups
                    .iter_mut()
                    .for_each(|group| group.include_like(entry.name(), other));
            }
        }
        let own = languages.entries().iter().filter_map(|entry| {
            // The table has checked them.
            let group = Group::deserialize(entry.hints.clone()).ok()?;
            Some(group.of_language(entry.name()))
        });
        hints.groups = own.chain(hints.groups).collect();
        hints
    }

    fn find(&self, run: &FailedRun<'_>) -> Option<(&Hint, String)> {
        self.groups.iter().find_map(|group| group.find(run))
    }

    fn read(text: &str) -> Result<Self, toml::de::Error> {
        let groups = text.parse::<Table>()?.into_iter();
        let groups = groups.map(|(_, group)| Group::deserialize(group));
        Ok(Self {
            groups: groups.collect::<Result<_, _>>()?,
        })
    }
}

/// Says what is wrong with hints of one language.
pub(crate) fn check(hints: &Table) -> Result<(), String> {
    if hints.contains_key("languages") {
        return Err("`languages` is for groups of several languages".to_owned());
    }
    let group = Group::deserialize(hints.clone());
    group.map(drop).map_err(|error| one_line(&error))
}

impl HintSource for HintTable {
    fn hint(&self, submission: &Submission, outcome: &Outcome) -> Option<String> {
        let run = FailedRun::new(submission, outcome)?;
        self.find(&run).map(|(_, sentence)| sentence)
    }
}

#[cfg(test)]
mod tests;
