//! Decides what becomes of an execution when the runner failed, not the program.

use std::time::Duration;

use coderun_domain::{EndedWithoutRun, Execution, ForcedEnd, RunnerError};

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

/// The reaction to this failure of an attempt. An overloaded runner has not tried: the execution may wait for it as long as for
/// a worker, and those `overloaded` attempts do not count.
pub(super) fn reaction(
    error: &RunnerError,
    execution: &Execution,
    overloaded: u32,
    settings: &WorkerSettings,
) -> Reaction {
    let attempts = execution.attempt().count().saturating_sub(overloaded);
    let retry_after = match error {
        RunnerError::Unsupported { .. } => {
            return Reaction::Finish {
                end: EndedWithoutRun::Rejected,
                reason: "The runner does not offer this language any more".to_owned(),
            };
        }
        RunnerError::Overloaded { retry_after } => {
            if has_waited_for(settings.policy.queue_deadline, execution) {
                return Reaction::Finish {
                    end: ForcedEnd::WaitedTooLong.ending(),
                    reason: ForcedEnd::WaitedTooLong.sentence().to_owned(),
                };
            }
            *retry_after
        }
        RunnerError::Unavailable { .. } | RunnerError::Broken { .. } => {
            if attempts >= settings.policy.attempts_max.min(settings.attempts_max) {
                return Reaction::Finish {
                    end: EndedWithoutRun::Failed,
                    reason: format!("The program could not be run in {attempts} attempts"),
                };
            }
            None
        }
    };
    Reaction::Retry {
        after: retry_after.unwrap_or_else(|| retry::wait_after(execution.attempt().count())),
    }
}

/// Whether this attempt began so long after the submission.
fn has_waited_for(longest: Duration, execution: &Execution) -> bool {
    let progress = execution.progress();
    let started_at = progress.started_at();
    started_at.is_some_and(|started_at| started_at - progress.created_at() >= longest)
}
