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
pub struct Progress(ProgressParts);

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
        Self(ProgressParts {
            state: State::Pending,
            attempt: Attempt::NONE,
            takeovers: 0,
            sequence: Sequence::START.next(),
            created_at: at,
            updated_at: at,
        })
    }

    /// Checks what a store kept.
    ///
    /// # Errors
    /// [`RestoreError`] where no sequence of transitions leads to these values.
    pub fn restore(parts: ProgressParts) -> Result<Self, RestoreError> {
        let ProgressParts { state, attempt, .. } = &parts;
        let since = match state {
            State::Pending => parts.created_at,
            State::Running { started_at, .. } => *started_at,
            State::Final { completed_at, .. } => *completed_at,
        };
        if !(parts.created_at <= since && since <= parts.updated_at) {
            return Err(RestoreError::TimeGoesBack);
        }
        let claims_run = match state {
            State::Pending => false,
            State::Running { .. } => true,
            State::Final { outcome, .. } => outcome.report().is_some(),
        };
        if claims_run && *attempt == Attempt::NONE {
            return Err(RestoreError::RunWithoutAttempt);
        }
        if parts.takeovers > attempt.count().saturating_sub(1) {
            return Err(RestoreError::TooManyTakeovers);
        }
        // The submission, a start for each attempt, and the step that led from there to where it stands.
        let last_step = match state {
            State::Pending => u64::from(*attempt != Attempt::NONE),
            State::Running { .. } => 0,
            State::Final { .. } => 1,
        };
        if parts.sequence.number() < 1 + u64::from(attempt.count()) + last_step {
            return Err(RestoreError::TooFewEvents);
        }
        Ok(Self(parts))
    }

    pub(super) fn start(&self, worker: WorkerId, at: OffsetDateTime) -> Option<Self> {
        let takeover = match self.state() {
            State::Pending => 0,
            State::Running { .. } => 1,
            State::Final { .. } => return None,
        };
        let started_at = self.not_before(at);
        let mut started = self.moved(State::Running { worker, started_at }, at);
        started.0.attempt = self.attempt().next();
        started.0.takeovers = self.takeovers().saturating_add(takeover);
        Some(started)
    }

    pub(super) fn hand_over(&self, at: OffsetDateTime) -> Option<Self> {
        self.is_running().then(|| self.moved(State::Pending, at))
    }

    pub(super) fn append(&self, count: u64, at: OffsetDateTime) -> Option<Self> {
        let mut appended = self.clone();
        appended.0.sequence = self.sequence().plus(count);
        appended.0.updated_at = self.not_before(at);
        self.is_running().then_some(appended)
    }

    pub(super) fn finish(&self, outcome: Arc<Outcome>, at: OffsetDateTime) -> Option<Self> {
        let allowed = match self.0.state {
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

    const fn is_running(&self) -> bool {
        matches!(self.0.state, State::Running { .. })
    }

    fn moved(&self, state: State, at: OffsetDateTime) -> Self {
        Self(ProgressParts {
            state,
            sequence: self.0.sequence.next(),
            updated_at: self.not_before(at),
            ..self.0
        })
    }

    fn not_before(&self, at: OffsetDateTime) -> OffsetDateTime {
        at.max(self.0.updated_at)
    }

    /// Where the execution stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.0.state
    }

    /// Where it stands, in the words of the core contract.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.0.state {
            State::Pending => Status::Pending,
            State::Running { .. } => Status::Running,
            State::Final { outcome, .. } => Status::from(outcome.verdict()),
        }
    }

    /// The status that clients see. It never goes back: once a worker has taken it up, it is running until it is final,
    /// also while it waits for another attempt.
    #[must_use]
    pub fn reported_status(&self) -> Status {
        let was_taken = self.attempt() != Attempt::NONE;
        match &self.0.state {
            State::Pending if was_taken => Status::Running,
            State::Pending | State::Running { .. } | State::Final { .. } => self.status(),
        }
    }

    /// How often a worker has taken it up.
    #[must_use]
    pub const fn attempt(&self) -> Attempt {
        self.0.attempt
    }

    /// How many of its attempts began because the worker before was lost; those that a worker gave back are none of them.
    #[must_use]
    pub const fn takeovers(&self) -> u32 {
        self.0.takeovers
    }

    /// The number of its last event.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.0.sequence
    }

    /// When it was submitted.
    #[must_use]
    pub const fn created_at(&self) -> OffsetDateTime {
        self.0.created_at
    }

    /// When it last changed.
    #[must_use]
    pub const fn updated_at(&self) -> OffsetDateTime {
        self.0.updated_at
    }

    /// When the running attempt began, while one runs.
    #[must_use]
    pub const fn started_at(&self) -> Option<OffsetDateTime> {
        match &self.0.state {
            State::Running { started_at, .. } => Some(*started_at),
            State::Pending | State::Final { .. } => None,
        }
    }

    /// When it ended, once it has.
    #[must_use]
    pub const fn completed_at(&self) -> Option<OffsetDateTime> {
        match &self.0.state {
            State::Final { completed_at, .. } => Some(*completed_at),
            State::Pending | State::Running { .. } => None,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Arc<Outcome>> {
        match &self.0.state {
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
