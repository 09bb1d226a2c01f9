//! Names the errors of the adapters and maps them to the errors of the ports.

use coderun_domain::{
    ExecutionId, InputError, QueueError, RegistryError, StoreError, TicketError, WatchError,
};
use coderun_record::RecordError;

use crate::command_error::CommandError;
use crate::diagnosis::diagnosed;
use crate::reply::UnexpectedReply;

/// The name of the backend in errors.
const BACKEND: &str = "redis";

/// An error of an adapter, before it becomes the error of a port.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdapterError {
    /// The server cannot be reached, or it refused the command.
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    UnexpectedReply(#[from] UnexpectedReply),
    /// Only the newer version may change this record.
    #[error("the record of `{0}` was written by a newer version of the service")]
    NewerRecord(ExecutionId),
    #[error("the lease is lost")]
    LeaseLost,
    #[error("the server has lost events of `{0}`")]
    LostEvents(ExecutionId),
    #[error("the record of `{0}` is damaged")]
    DamagedRecord(ExecutionId, #[source] RecordError),
    #[error(transparent)]
    Encode(RecordError),
    #[error("cannot encode a step")]
    EncodeStep(#[source] rmp_serde::encode::Error),
    /// The id was not made for its user.
    #[error("the id belongs to another partition than its user: make ids with `RedisBackend::ids`")]
    ForeignId,
    /// `WAIT` works on one connection to one master only.
    #[error(
        "a cluster cannot wait for replicas: set `min-replicas-to-write` on its masters instead"
    )]
    ReplicasOfCluster,
    /// Other processes divide the users into another number of partitions.
    #[error("the stored records use {stored} partitions, but this process is set to {configured}")]
    Partitions {
        /// The number that the other processes use.
        stored: u64,
        /// The number that this process uses.
        configured: u16,
    },
}

impl AdapterError {
    /// Distinguishes a record of a newer version from a damaged one.
    pub(crate) fn of_record(id: ExecutionId, error: RecordError) -> Self {
        if matches!(error, RecordError::Newer) {
            Self::NewerRecord(id)
        } else {
            Self::DamagedRecord(id, error)
        }
    }
}

/// Implements the conversions to the errors of ports. Each port names the errors that it has beside `Unavailable`.
macro_rules! port_errors {
    ($($port_error:ident { $($pattern:pat => $port_value:expr;)* })*) => {
        $(impl From<AdapterError> for $port_error {
            fn from(error: AdapterError) -> Self {
                $(if let $pattern = error {
                    return $port_value;
                })*
                Self::Unavailable {
                    backend: BACKEND,
                    source: diagnosed(error),
                }
            }
        })*
    };
}

port_errors! {
    StoreError {
        AdapterError::DamagedRecord(id, error) => Self::Corrupt {
            backend: BACKEND,
            id,
            source: Box::new(error),
        };
    }
    QueueError {
        AdapterError::DamagedRecord(id, error) => Self::Corrupt {
            backend: BACKEND,
            id,
            source: Box::new(error),
        };
        AdapterError::LeaseLost => Self::LeaseLost;
    }
    InputError {
        AdapterError::LeaseLost => Self::LeaseLost;
    }
    WatchError {}
    TicketError {}
    RegistryError {}
}
