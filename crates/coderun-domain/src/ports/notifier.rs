//! Tells watchers what happens to an execution.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use crate::{BackendError, ExecutionId, FailureKind, Sequence, StoredEvent};

/// Events of one execution in order, without a gap and without a double.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<StoredEvent, WatchError>> + Send>>;

/// Tells watchers what happens to an execution.
///
/// Every implementation passes `coderun_conformance::notifier_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Notifier: fmt::Debug + Send + Sync + 'static {
    /// Everything stored after `since`, then everything as it is stored. The stream ends after the final event.
    ///
    /// Any number of subscribers, each at its own pace: a slow one delays nobody and costs no memory, because it
    /// reads what is stored. Where `since` is the final event or later, the stream of a final execution is empty.
    ///
    /// # Errors
    /// [`WatchError::Gone`] if there is no such execution, also later, when it is deleted or expires while watched;
    /// [`WatchError::Unavailable`].
    async fn subscribe(&self, id: ExecutionId, since: Sequence) -> Result<EventStream, WatchError>;
}

/// Why a watcher gets no more events.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no such execution, or not any more.
    #[error("the execution is gone")]
    Gone,
    /// The backend cannot be reached.
    #[error("the notifier `{backend}` is not available")]
    Unavailable {
        /// Which one.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl WatchError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Gone => FailureKind::Absent,
            Self::Unavailable { .. } => FailureKind::Unavailable,
        }
    }
}
