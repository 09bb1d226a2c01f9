//! The ends that the service itself makes, without a worker.

use crate::{EndedWithoutRun, Outcome, Output};

/// Why an execution ended though no worker finished it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForcedEnd {
    /// Its owner stopped it while no worker had it.
    Cancelled,
    /// No worker took it by its deadline.
    WaitedTooLong,
    /// Its run did not end by its deadline.
    RanTooLong,
    /// It was taken up as often as the policy allows.
    GivenUp,
}

impl ForcedEnd {
    /// Every reason there is.
    pub const ALL: [Self; 4] = [
        Self::Cancelled,
        Self::WaitedTooLong,
        Self::RanTooLong,
        Self::GivenUp,
    ];

    /// The word for it, such as `waited_too_long`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::WaitedTooLong => "waited_too_long",
            Self::RanTooLong => "ran_too_long",
            Self::GivenUp => "given_up",
        }
    }

    /// The reason with this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == word)
    }

    /// The outcome, with what the last attempt wrote.
    #[must_use]
    pub fn outcome(self, output: Output, error_output: Output) -> Outcome {
        Outcome::without_run(self.ending(), self.sentence()).with_output(output, error_output)
    }

    /// The way to end that it is.
    #[must_use]
    pub const fn ending(self) -> EndedWithoutRun {
        match self {
            Self::Cancelled => EndedWithoutRun::Cancelled,
            Self::WaitedTooLong | Self::RanTooLong | Self::GivenUp => EndedWithoutRun::Failed,
        }
    }

    /// What its owner reads.
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
