//! Decides what becomes of an execution when the runner failed, not the program.

use std::time::Duration;

use coderun_domain::{Attempt, EndedWithoutRun, RunnerError};

use super::settings::WorkerSettings;
use crate::retry;

/// What a worker does after its runner failed.
pub(super) enum Reaction {
    /// It ends the execution, because no attempt is left or none can succeed.
    Finish {
        /// The way in which it ends.
        end: EndedWithoutRun,
        /// One sentence for the owner.
        reason: String,
    },
    /// It releases the execution for another attempt.
    Retry {
        /// The time for which it holds the execution before.
        after: Duration,
    },
}

/// The reaction to this failure of an attempt. An overloaded runner has not tried, so for it only the store's bound counts.
pub(super) fn reaction(
    error: &RunnerError,
    attempt: Attempt,
    settings: &WorkerSettings,
) -> Reaction {
    let (attempts, store_max) = (attempt.count(), settings.policy.attempts_max);
    let (retry_after, attempts_max) = match error {
        RunnerError::Unsupported { .. } => {
            return Reaction::Finish {
                end: EndedWithoutRun::Rejected,
                reason: "The runner does not offer this language any more".to_owned(),
            };
        }
        RunnerError::Overloaded { retry_after } => (*retry_after, store_max),
        RunnerError::Unavailable { .. } | RunnerError::Broken { .. } => {
            (None, store_max.min(settings.attempts_max))
        }
    };
    if attempts >= attempts_max {
        return Reaction::Finish {
            end: EndedWithoutRun::Failed,
            reason: format!("The program could not be run in {attempts} attempts"),
        };
    }
    Reaction::Retry {
        after: retry_after.unwrap_or_else(|| retry::wait_after(attempts)),
    }
}
