//! Why a use case failed.

use coderun_domain::{FailureKind, StoreError, SubmissionError, WatchError};

use crate::NoWorkerYet;

/// Why a submission was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// It is wrong.
    #[error(transparent)]
    Invalid(#[from] SubmissionError),
    /// Nobody has said yet what can be run.
    #[error(transparent)]
    NoWorkerYet(#[from] NoWorkerYet),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubmitError {
    /// What it means to whoever asked.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Invalid(error) => error.kind(),
            Self::NoWorkerYet(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

/// Why a user does not get at an execution.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is none with this id, or not any more.
    #[error("there is no such execution")]
    Absent,
    /// It is another user's.
    #[error("the execution is another user's")]
    Forbidden,
    /// The store cannot tell.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The notifier cannot tell.
    #[error(transparent)]
    Watch(WatchError),
}

impl AccessError {
    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Absent => FailureKind::Absent,
            Self::Forbidden => FailureKind::Forbidden,
            Self::Store(error) => error.kind(),
            Self::Watch(error) => error.kind(),
        }
    }
}

impl From<WatchError> for AccessError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Gone => Self::Absent,
            WatchError::Unavailable { .. } => Self::Watch(error),
        }
    }
}
