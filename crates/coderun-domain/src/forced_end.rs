//! Names the reasons for which the service ends an execution without a worker.

use crate::{EndedWithoutRun, Outcome, Output};

/// The reason for which the service ended an execution that no worker finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForcedEnd {
    /// Its owner cancelled it while no worker held it.
    Cancelled,
    /// No worker took it by its deadline.
    WaitedTooLong,
    /// Its run did not end by its deadline.
    RanTooLong,
    /// Its last allowed attempt ended with a lost lease.
    GivenUp,
}

impl ForcedEnd {
    /// All reasons.
    pub const ALL: [Self; 4] = [
        Self::Cancelled,
        Self::WaitedTooLong,
        Self::RanTooLong,
        Self::GivenUp,
    ];

    /// The name, such as `waited_too_long`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::WaitedTooLong => "waited_too_long",
            Self::RanTooLong => "ran_too_long",
            Self::GivenUp => "given_up",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == word)
    }

    /// The outcome, with the output of the last attempt.
    #[must_use]
    pub fn outcome(self, output: Output, error_output: Output) -> Outcome {
        Outcome::without_run(self.ending(), self.sentence()).with_output(output, error_output)
    }

    /// The kind of end.
    #[must_use]
    pub const fn ending(self) -> EndedWithoutRun {
        match self {
            Self::Cancelled => EndedWithoutRun::Cancelled,
            Self::WaitedTooLong | Self::RanTooLong | Self::GivenUp => EndedWithoutRun::Failed,
        }
    }

    /// The sentence for the owner.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Cancelled => "The execution was cancelled",
            Self::WaitedTooLong => "The execution waited too long for a worker",
            Self::RanTooLong => "The run did not end in time",
            Self::GivenUp => "The execution was given up: no worker could finish it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_known_by_its_word() {
        for end in ForcedEnd::ALL {
            assert_eq!(ForcedEnd::from_word(end.as_str()), Some(end));
        }
        assert_eq!(ForcedEnd::from_word("tired"), None);
    }

    #[test]
    fn the_outcome_says_the_sentence_and_keeps_the_output() {
        let outcome = ForcedEnd::GivenUp.outcome(Output::complete("so far"), Output::default());
        assert_eq!(outcome.reason(), Some(ForcedEnd::GivenUp.sentence()));
        assert_eq!(outcome.verdict(), EndedWithoutRun::Failed.verdict());
        assert_eq!(outcome.output().bytes(), "so far");
    }
}
