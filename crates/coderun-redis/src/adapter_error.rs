//! What can go wrong in an adapter, and what it means at each port.

use coderun_domain::{
    BackendError, ExecutionId, InputError, QueueError, RegistryError, StoreError, TicketError,
    WatchError,
};
use coderun_record::RecordError;

use crate::command_error::CommandError;
use crate::reply::UnexpectedReply;

/// The name of the backend in errors.
const BACKEND: &str = "redis";

/// What can go wrong between a port and the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdapterError {
    /// The server cannot be reached or refuses.
    #[error(transparent)]
    CommandError(#[from] CommandError),
    #[error(transparent)]
    UnexpectedReply(#[from] UnexpectedReply),
    /// A newer version of the service looks after this record.
    #[error("the record of `{0}` was written by a newer version of the service")]
    Newer(ExecutionId),
    #[error("the server has forgotten events of `{0}`")]
    Forgotten(ExecutionId),
    #[error("the record of `{0}` is damaged")]
    Damaged(ExecutionId, #[source] RecordError),
    #[error(transparent)]
    Unwritable(RecordError),
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// Ids and keys do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LayoutError {
    /// An id that was not made for its user.
    #[error(
        "the id lies in another partition than its user: ids are to be made by `RedisBackend::ids`"
    )]
    ForeignId,
    /// On a Cluster there is nobody to wait for.
    #[error(
        "replicas cannot be waited for on a cluster: set `min-replicas-to-write` on its masters instead"
    )]
    ReplicasOfCluster,
    /// Others have laid out their keys differently.
    #[error("the records there lie in {there} partitions, and this process is set to {here}")]
    Partitions {
        /// What the others have.
        there: u64,
        /// What this process has.
        here: u16,
    },
}

impl AdapterError {
    /// Tells a record of a newer version from a damaged one.
    pub(crate) fn of_record(id: ExecutionId, error: RecordError) -> Self {
        match error {
            RecordError::Newer => Self::Newer(id),
            error @ (RecordError::Missing(_)
            | RecordError::Malformed(..)
            | RecordError::Event
            | RecordError::Input
            | RecordError::Progress(_)
            | RecordError::Submission(_)
            | RecordError::Outcome(_)
            | RecordError::Identifier(_)
            | RecordError::Language(_)
            | RecordError::Limit(_)
            | RecordError::Unwritable(_)) => Self::Damaged(id, error),
        }
    }

    /// The damage, if it is that, or else the cause for which the backend cannot be used now.
    fn split(self) -> Result<(ExecutionId, RecordError), BackendError> {
        match self {
            Self::Damaged(id, error) => Ok((id, error)),
            other @ (Self::CommandError(_)
            | Self::UnexpectedReply(_)
            | Self::Newer(_)
            | Self::Forgotten(_)
            | Self::Unwritable(_)
            | Self::Layout(_)) => Err(Box::new(other)),
        }
    }
}

impl From<AdapterError> for StoreError {
    fn from(failure: AdapterError) -> Self {
        match failure.split() {
            Ok((id, error)) => Self::Corrupt {
                backend: BACKEND,
                id,
                source: Box::new(error),
            },
            Err(source) => Self::Unavailable {
                backend: BACKEND,
                source,
            },
        }
    }
}

impl From<AdapterError> for QueueError {
    fn from(failure: AdapterError) -> Self {
        match failure.split() {
            Ok((id, error)) => Self::Corrupt {
                backend: BACKEND,
                id,
                source: Box::new(error),
            },
            Err(source) => Self::Unavailable {
                backend: BACKEND,
                source,
            },
        }
    }
}

impl From<AdapterError> for WatchError {
    fn from(failure: AdapterError) -> Self {
        Self::Unavailable {
            backend: BACKEND,
            source: Box::new(failure),
        }
    }
}

impl From<AdapterError> for InputError {
    fn from(failure: AdapterError) -> Self {
        Self::Unavailable {
            backend: BACKEND,
            source: Box::new(failure),
        }
    }
}

impl From<AdapterError> for TicketError {
    fn from(failure: AdapterError) -> Self {
        Self::Unavailable {
            backend: BACKEND,
            source: Box::new(failure),
        }
    }
}

impl From<AdapterError> for RegistryError {
    fn from(failure: AdapterError) -> Self {
        Self::Unavailable {
            backend: BACKEND,
            source: Box::new(failure),
        }
    }
}
