//! Holds the part of an execution that changes.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::{Attempt, Outcome, Sequence, Status, WorkerId};

/// The state of an execution, with the values that only this state has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The execution waits for a worker.
    Pending,
    /// A worker runs it.
    Running {
        /// The worker.
        worker: WorkerId,
        /// The start of the attempt.
        started_at: OffsetDateTime,
    },
    /// The execution has ended and will not change again.
    Final {
        /// The outcome.
        outcome: Arc<Outcome>,
        /// The time of the end.
        completed_at: OffsetDateTime,
    },
}

/// The part of an execution that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress(ProgressParts);

/// The values of a [`Progress`], for a store to write and to read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressParts {
    /// The state.
    pub state: State,
    /// The number of times that a worker has taken it.
    pub attempt: Attempt,
    /// The number of attempts that began because the worker before was lost.
    pub takeovers: u32,
    /// The number of the last event.
    pub sequence: Sequence,
    /// The time of the submission.
    pub created_at: OffsetDateTime,
    /// The time of the last change.
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

    /// Checks values that a store has kept.
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

    pub(super) fn release(&self, at: OffsetDateTime) -> Option<Self> {
        self.is_running().then(|| self.moved(State::Pending, at))
    }

    pub(super) fn count_events(&self, count: u64, at: OffsetDateTime) -> Option<Self> {
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

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.0.state
    }

    /// The status, as the API names it.
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

    /// The number of times that a worker has taken it.
    #[must_use]
    pub const fn attempt(&self) -> Attempt {
        self.0.attempt
    }

    /// The number of attempts that began because the worker before was lost; released attempts do not count.
    #[must_use]
    pub const fn takeovers(&self) -> u32 {
        self.0.takeovers
    }

    /// The number of the last event.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        self.0.sequence
    }

    /// The time of the submission.
    #[must_use]
    pub const fn created_at(&self) -> OffsetDateTime {
        self.0.created_at
    }

    /// The time of the last change.
    #[must_use]
    pub const fn updated_at(&self) -> OffsetDateTime {
        self.0.updated_at
    }

    /// The start of the attempt, if the execution is running.
    #[must_use]
    pub const fn started_at(&self) -> Option<OffsetDateTime> {
        match &self.0.state {
            State::Running { started_at, .. } => Some(*started_at),
            State::Pending | State::Final { .. } => None,
        }
    }

    /// The time of the end, if the execution is final.
    #[must_use]
    pub const fn completed_at(&self) -> Option<OffsetDateTime> {
        match &self.0.state {
            State::Final { completed_at, .. } => Some(*completed_at),
            State::Pending | State::Running { .. } => None,
        }
    }

    /// The outcome, if the execution is final.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Arc<Outcome>> {
        match &self.0.state {
            State::Final { outcome, .. } => Some(outcome),
            State::Pending | State::Running { .. } => None,
        }
    }
}

/// Says why stored values are not a possible progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A later step has an earlier time.
    #[error("times go backwards")]
    TimeGoesBack,
    /// The execution runs or has run, but no attempt was counted.
    #[error("a run without an attempt")]
    RunWithoutAttempt,
    /// There are more takeovers than attempts that could be taken over.
    #[error("more takeovers than attempts")]
    TooManyTakeovers,
    /// The state cannot be reached with so few events.
    #[error("too few events")]
    TooFewEvents,
}
