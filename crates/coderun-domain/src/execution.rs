//! Holds the `Execution` aggregate: one submission and its progress along a table of transitions.
//!
//! The table of transitions, complete:
//!
//! | from \ to | pending | running | final |
//! |---|---|---|---|
//! | pending | – | [`Execution::start`] | [`Execution::finish`], without a run |
//! | running | [`Execution::release`] | [`Execution::start`] (takeover), [`Execution::count_events`] | [`Execution::finish`] |
//! | final | – | – | – |
//!
//! Every transition consumes the aggregate and adds its number of events to `sequence`; timestamps never decrease. Only
//! `start` raises `attempt`.

mod state;

use std::sync::Arc;

use time::OffsetDateTime;

pub use state::{Progress, ProgressParts, RestoreError, State};

use crate::named_enum::named_enum;
use crate::{Attempt, ExecutionId, Outcome, Sequence, Status, Submission, WorkerId};

/// One submission and its progress.
///
/// Cheap to clone: submission and outcome are shared. `Debug` shows lengths, never code, input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    id: ExecutionId,
    submission: Arc<Submission>,
    progress: Progress,
}

impl Execution {
    /// A new execution that waits for a worker. Its submission is event 1, so `sequence` is 1.
    #[must_use]
    pub fn submit(
        id: ExecutionId,
        submission: impl Into<Arc<Submission>>,
        at: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            submission: submission.into(),
            progress: Progress::new(at),
        }
    }

    /// Rebuilds an execution from stored progress, current or as of an earlier event.
    #[must_use]
    pub fn restore(
        id: ExecutionId,
        submission: impl Into<Arc<Submission>>,
        progress: Progress,
    ) -> Self {
        Self {
            id,
            submission: submission.into(),
            progress,
        }
    }

    /// Starts an attempt by this worker: the first, or one after another worker was lost or released the execution.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is final.
    pub fn start(self, worker: WorkerId, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.apply(Transition::Start, |progress| progress.start(worker, at))
    }

    /// Returns the execution to the queue for another worker.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is not running.
    pub fn release(self, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.apply(Transition::Release, |progress| progress.release(at))
    }

    /// Counts events of the run that were stored; the state stays running.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is not running.
    pub fn count_events(self, count: u64, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.apply(Transition::CountEvents, |progress| {
            progress.count_events(count, at)
        })
    }

    /// Ends the execution.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is final, or if it never ran and the outcome has the report of a run.
    pub fn finish(
        self,
        outcome: impl Into<Arc<Outcome>>,
        at: OffsetDateTime,
    ) -> Result<Self, TransitionError> {
        let outcome = outcome.into();
        self.apply(Transition::Finish, |progress| progress.finish(outcome, at))
    }

    fn apply(
        self,
        attempted: Transition,
        transition: impl FnOnce(&Progress) -> Option<Progress>,
    ) -> Result<Self, TransitionError> {
        match transition(&self.progress) {
            Some(progress) => Ok(Self { progress, ..self }),
            None => Err(TransitionError {
                from: self.status(),
                attempted,
            }),
        }
    }

    /// The id.
    #[must_use]
    pub const fn id(&self) -> ExecutionId {
        self.id
    }

    /// The submission.
    #[must_use]
    pub const fn submission(&self) -> &Arc<Submission> {
        &self.submission
    }

    /// Everything that changes after the submission.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &State {
        self.progress.state()
    }

    /// The status, as the API names it.
    #[must_use]
    pub fn status(&self) -> Status {
        self.progress.status()
    }

    /// The status that clients see, which never goes back: [`Progress::reported_status`].
    #[must_use]
    pub fn reported_status(&self) -> Status {
        self.progress.reported_status()
    }

    /// The number of times that it was started.
    #[must_use]
    pub const fn attempt(&self) -> Attempt {
        self.progress.attempt()
    }

    /// The number of the last event.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.progress.sequence()
    }

    /// The outcome, if the execution is final.
    #[must_use]
    pub fn outcome(&self) -> Option<&Arc<Outcome>> {
        self.progress.outcome()
    }
}

named_enum! {
    /// A transition of the table.
    pub enum Transition {
        /// [`Execution::start`].
        Start => "start",
        /// [`Execution::release`].
        Release => "release",
        /// [`Execution::count_events`].
        CountEvents => "append to",
        /// [`Execution::finish`].
        Finish => "finish",
    }
}

/// The execution has a status that does not allow this transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {attempted} an execution that is {from}")]
pub struct TransitionError {
    /// The status before.
    pub from: Status,
    /// The transition that was attempted.
    pub attempted: Transition,
}

#[cfg(test)]
mod tests;
