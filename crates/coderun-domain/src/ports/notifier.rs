//! Streams the events of an execution to watchers.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use crate::{BackendError, ExecutionId, FailureKind, Sequence, StoredEvent};

/// Events of one execution in order, without gaps and repetitions.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<StoredEvent, WatchError>> + Send>>;

/// Streams the events of executions to watchers.
///
/// Every implementation passes `coderun_conformance::notifier_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync + 'static {
    /// Streams all events after `since`, stored and future ones. The stream ends after the final event.
    ///
    /// There may be any number of subscribers, each at its own pace: a slow one delays no other and costs no memory, because it
    /// reads stored events. If `since` is the final event or later, the stream of a final execution is empty.
    ///
    /// # Errors
    /// [`WatchError::Gone`] if the execution does not exist, or is deleted or expires while it is watched;
    /// [`WatchError::Unavailable`].
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError>;
}

/// Says why a watcher gets no more events.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The execution does not exist or was deleted.
    #[error("the execution is gone")]
    Gone,
    /// The backend cannot be reached.
    #[error("the notifier `{backend}` is not available")]
    Unavailable {
        /// The name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl WatchError {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Gone => FailureKind::Absent,
            Self::Unavailable { .. } => FailureKind::Unavailable,
        }
    }
}
