//! Names the reasons for which the service ends an execution without a worker.

use crate::named_enum::named_enum;
use crate::{EndedWithoutRun, Outcome, Output};

named_enum! {
    /// The reason for which the service ended an execution that no worker finished.
    pub enum ForcedEnd {
        /// Its owner cancelled it while no worker held it.
        Cancelled => "cancelled",
        /// No worker took it by its deadline.
        WaitedTooLong => "waited_too_long",
        /// For too long no worker offered its language.
        NoWorker => "no_worker",
        /// Its run did not end by its deadline.
        RanTooLong => "ran_too_long",
        /// Its last allowed attempt ended with a lost lease.
        GivenUp => "given_up",
    }
}

impl ForcedEnd {
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
            Self::WaitedTooLong | Self::NoWorker | Self::RanTooLong | Self::GivenUp => {
                EndedWithoutRun::Failed
            }
        }
    }

    /// The sentence for the owner.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Cancelled => "The execution was cancelled",
            Self::WaitedTooLong => "The execution waited too long for a worker",
            Self::NoWorker => "No worker that runs this language is available",
            Self::RanTooLong => "The run did not end in time",
            Self::GivenUp => "The execution was given up: no worker could finish it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_says_the_sentence_and_keeps_the_output() {
        let outcome = ForcedEnd::GivenUp.outcome(Output::complete("so far"), Output::default());
        assert_eq!(outcome.reason(), Some(ForcedEnd::GivenUp.sentence()));
        assert_eq!(outcome.verdict(), EndedWithoutRun::Failed.verdict());
        assert_eq!(outcome.output().bytes(), "so far");
    }
}
