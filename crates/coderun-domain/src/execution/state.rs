//! The part of an execution that changes.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::{Attempt, Outcome, Sequence, Status, WorkerId};

/// Where an execution stands, with what is known only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for a worker.
    Pending,
    /// A worker has it.
    Running {
        /// Which one.
        worker: WorkerId,
        /// Since when.
        started_at: OffsetDateTime,
    },
    /// It has ended and will not change again.
    Final {
        /// How.
        outcome: Arc<Outcome>,
        /// When.
        completed_at: OffsetDateTime,
    },
}

/// How far an execution has come: everything about it that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    state: State,
    attempt: Attempt,
    takeovers: u32,
    sequence: Sequence,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

/// The values of a [`Progress`], for a store to write and to read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressParts {
    /// Where the execution stands.
    pub state: State,
    /// How often a worker has taken it up.
    pub attempt: Attempt,
    /// How many of these began because the worker before was lost.
    pub takeovers: u32,
    /// The number of its last event.
    pub sequence: Sequence,
    /// When it was submitted.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Progress {
    pub(super) fn new(at: OffsetDateTime) -> Self {
        Self {
            state: State::Pending,
            attempt: Attempt::NONE,
            takeovers: 0,
            sequence: Sequence::START.next(),
            created_at: at,
            updated_at: at,
        }
    }

    /// Checks what a store kept.
    ///
    /// # Errors
    /// [`RestoreError`] where no sequence of transitions leads to these values.
    pub fn restore(parts: ProgressParts) -> Result<Self, RestoreError> {
        let ProgressParts {
            state,
            attempt,
            takeovers,
            sequence,
            created_at,
            updated_at,
        } = parts;
        let since = match &state {
            State::Pending => created_at,
            State::Running { started_at, .. } => *started_at,
            State::Final { completed_at, .. } => *completed_at,
        };
        if !(created_at <= since && since <= updated_at) {
            return Err(RestoreError::TimeGoesBack);
        }
        let claims_run = match &state {
            State::Pending => false,
            State::Running { .. } => true,
            State::Final { outcome, .. } => outcome.report().is_some(),
        };
        if claims_run && attempt == Attempt::NONE {
            return Err(RestoreError::RunWithoutAttempt);
        }
        if takeovers > attempt.count().saturating_sub(1) {
            return Err(RestoreError::TooManyTakeovers);
        }
        // The submission, a start for each attempt, and the step that led from there to where it stands.
        let last_step = match &state {
            State::Pending => u64::from(attempt != Attempt::NONE),
            State::Running { .. } => 0,
            State::Final { .. } => 1,
        };
        if sequence.number() < 1 + u64::from(attempt.count()) + last_step {
            return Err(RestoreError::TooFewEvents);
        }
        Ok(Self {
            state,
            attempt,
            takeovers,
            sequence,
            created_at,
            updated_at,
        })
    }

    pub(super) fn start(&self, worker: WorkerId, at: OffsetDateTime) -> Option<Self> {
        let started_at = self.not_before(at);
        let takeovers = match self.state {
            State::Pending => self.takeovers,
            State::Running { .. } => self.takeovers.saturating_add(1),
            State::Final { .. } => return None,
        };
        Some(Self {
            attempt: self.attempt.next(),
            takeovers,
            ..self.moved(State::Running { worker, started_at }, at)
        })
    }

    pub(super) fn hand_over(&self, at: OffsetDateTime) -> Option<Self> {
        match self.state {
            State::Running { .. } => Some(self.moved(State::Pending, at)),
            State::Pending | State::Final { .. } => None,
        }
    }

    pub(super) fn append(&self, count: u64, at: OffsetDateTime) -> Option<Self> {
        match self.state {
            State::Running { .. } => Some(Self {
                sequence: self.sequence.plus(count),
                updated_at: self.not_before(at),
                ..self.clone()
            }),
            State::Pending | State::Final { .. } => None,
        }
    }

    pub(super) fn finish(&self, outcome: Arc<Outcome>, at: OffsetDateTime) -> Option<Self> {
        let allowed = match self.state {
            State::Pending => outcome.report().is_none(),
            State::Running { .. } => true,
            State::Final { .. } => false,
        };
        let completed_at = self.not_before(at);
        let state = State::Final {
            outcome,
            completed_at,
        };
        allowed.then(|| self.moved(state, at))
    }

    fn moved(&self, state: State, at: OffsetDateTime) -> Self {
        Self {
            state,
            attempt: self.attempt,
            takeovers: self.takeovers,
            sequence: self.sequence.next(),
            created_at: self.created_at,
            updated_at: self.not_before(at),
        }
    }

    fn not_before(&self, at: OffsetDateTime) -> OffsetDateTime {
        at.max(self.updated_at)
    }

    /// Where the execution stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Where it stands, in the words of the core contract.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.state {
            State::Pending => Status::Pending,
            State::Running { .. } => Status::Running,
            State::Final { outcome, .. } => Status::from(outcome.verdict()),
        }
    }

    /// How often a worker has taken it up.
    #[must_use]
    pub const fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// How many of its attempts began because the worker before was lost; those that a worker gave back are none of them.
    #[must_use]
    pub const fn takeovers(&self) -> u32 {
        self.takeovers
    }

    /// The number of its last event.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// When it was submitted.
    #[must_use]
    pub const fn created_at(&self) -> OffsetDateTime {
        self.created_at
    }

    /// When it last changed.
    #[must_use]
    pub const fn updated_at(&self) -> OffsetDateTime {
        self.updated_at
    }

    /// When the running attempt began, while one runs.
    #[must_use]
    pub const fn started_at(&self) -> Option<OffsetDateTime> {
        match &self.state {
            State::Running { started_at, .. } => Some(*started_at),
            State::Pending | State::Final { .. } => None,
        }
    }

    /// When it ended, once it has.
    #[must_use]
    pub const fn completed_at(&self) -> Option<OffsetDateTime> {
        match &self.state {
            State::Final { completed_at, .. } => Some(*completed_at),
            State::Pending | State::Running { .. } => None,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Arc<Outcome>> {
        match &self.state {
            State::Final { outcome, .. } => Some(outcome),
            State::Pending | State::Running { .. } => None,
        }
    }
}

/// Says why stored values are no progress that an execution can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A later time stands before an earlier one.
    #[error("times go backwards")]
    TimeGoesBack,
    /// It runs or has run, but no attempt was counted.
    #[error("a run without an attempt")]
    RunWithoutAttempt,
    /// More attempts took over than there were attempts to take over from.
    #[error("more takeovers than attempts")]
    TooManyTakeovers,
    /// It cannot stand there after so few events.
    #[error("too few events")]
    TooFewEvents,
}
