//! The `Execution` aggregate: one submission and how far it has come.
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

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

pub use state::{Progress, ProgressParts, RestoreError, State};

use crate::{Attempt, ExecutionId, Outcome, Sequence, Status, Submission, WorkerId};

/// One submission and how far it has come.
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

    /// An execution as a store kept it, or as one of its events shows it.
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

    /// A worker takes it up, for the first time or after the worker before it was lost.
    ///
    /// # Errors
    /// [`TransitionError`] if it is final.
    pub fn start(self, worker: WorkerId, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.step(Transition::Start, |progress| progress.start(worker, at))
    }

    /// The running worker gives it back, to be taken up by another one.
    ///
    /// # Errors
    /// [`TransitionError`] if it is not running.
    pub fn hand_over(self, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.step(Transition::HandOver, |progress| progress.hand_over(at))
    }

    /// `count` events of output were stored; the state stays running.
    ///
    /// # Errors
    /// [`TransitionError`] if it is not running.
    pub fn append(self, count: u64, at: OffsetDateTime) -> Result<Self, TransitionError> {
        self.step(Transition::Append, |progress| progress.append(count, at))
    }

    /// It has ended.
    ///
    /// # Errors
    /// [`TransitionError`] if it is final already, or if it is pending and the outcome claims a run.
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

    /// Which execution it is.
    #[must_use]
    pub const fn id(&self) -> ExecutionId {
        self.id
    }

    /// What was handed in.
    #[must_use]
    pub const fn submission(&self) -> &Arc<Submission> {
        &self.submission
    }

    /// How far it has come.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        self.progress.state()
    }

    /// Where it stands, in the words of the core contract.
    #[must_use]
    pub fn status(&self) -> Status {
        self.progress.status()
    }

    /// The status that clients see: see [`Progress::reported_status`].
    #[must_use]
    pub fn reported_status(&self) -> Status {
        self.progress.reported_status()
    }

    /// How often a worker has taken it up.
    #[must_use]
    pub const fn attempt(&self) -> Attempt {
        self.progress.attempt()
    }

    /// The number of its last event.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.progress.sequence()
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Arc<Outcome>> {
        self.progress.outcome()
    }
}

/// An arrow of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// [`Execution::start`].
    Start,
    /// [`Execution::hand_over`].
    HandOver,
    /// [`Execution::append`].
    Append,
    /// [`Execution::finish`].
    Finish,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::HandOver => "hand over",
            Self::Append => "append to",
            Self::Finish => "finish",
        })
    }
}

/// The table has no such arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot {attempted} an execution that is {from}")]
pub struct TransitionError {
    /// Where it stood.
    pub from: Status,
    /// What was tried.
    pub attempted: Transition,
}

#[cfg(test)]
mod tests;
