//! Errors of the use cases, each with its kind.

use coderun_domain::{FailureKind, StoreError, SubmissionError};

use crate::NoWorkerYet;

/// Says why a submission was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The submission is invalid.
    #[error(transparent)]
    Invalid(#[from] SubmissionError),
    /// No worker has announced yet what can be run.
    #[error(transparent)]
    NoWorkerYet(#[from] NoWorkerYet),
    /// The idempotency key names another submission.
    #[error("the idempotency key names another submission")]
    KeyReused,
    /// The store refused it or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubmitError {
    /// The kind of failure for the caller.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Invalid(error) => error.kind(),
            Self::NoWorkerYet(error) => error.kind(),
            Self::KeyReused => FailureKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }
}

/// Says why a user cannot access an execution.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No execution has this id, or it was deleted.
    #[error("there is no such execution")]
    Absent,
    /// The execution belongs to another user.
    #[error("the execution is another user's")]
    Forbidden,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccessError {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Absent => FailureKind::Absent,
            Self::Forbidden => FailureKind::Forbidden,
            Self::Store(error) => error.kind(),
        }
    }
}
