//! Holds the `Execution` aggregate: one submission and its progress along a table of transitions.
//!
//! The table of transitions, complete:
//!
//! | from \ to | pending | running | final |
//! |---|---|---|---|
//! | pending | – | [`Execution::start`] | [`Execution::finish`], without a run |
//! | running | [`Execution::hand_over`] | [`Execution::start`] (takeover), [`Execution::append`] | [`Execution::finish`] |
//! | final | – | – | – |
//!
//! Every transition consumes the aggregate, raises `sequence` by the events that it stands for and never lets time go
//! back. Only `start` raises `attempt`.

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
    /// A new execution that waits for a worker. Its first event has sequence 1.
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

    /// An execution from a store, or at the time of one of its events.
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
        self.step(Transition::Start, |progress| progress.start(worker, at))
    }

    /// Returns the execution to the queue for another worker.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is not running.
    pub fn hand_over(self, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.step(Transition::HandOver, |progress| progress.hand_over(at))
    }

    /// Counts stored events of the run; the state stays running.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is not running.
    pub fn append(self, count: u64, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.step(Transition::Append, |progress| progress.append(count, at))
    }

    /// Ends the execution.
    ///
    /// # Errors
    /// [`TransitionError`] if the execution is final, or pending although the outcome has a report.
    pub fn finish(
        self,
        outcome: impl Into<Arc<Outcome>>,
        at: OffsetDateTime,
    ) -> Result<Self, TransitionError> {
        let outcome = outcome.into();
        self.step(Transition::Finish, |progress| progress.finish(outcome, at))
    }

    fn step(
        self,
        attempted: Transition,
        change: impl FnOnce(&Progress) -> Option<Progress>,
    ) -> Result<Self, TransitionError> {
        match change(&self.progress) {
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

    /// The part that changes.
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

    /// The status that clients see: see [`Progress::reported_status`].
    #[must_use]
    pub fn reported_status(&self) -> Status {
        self.progress.reported_status()
    }

    /// The number of times that a worker has taken it.
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
        /// [`Execution::hand_over`].
        HandOver => "hand over",
        /// [`Execution::append`].
        Append => "append to",
        /// [`Execution::finish`].
        Finish => "finish",
    }
}

/// Says that the table has no such transition.
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
