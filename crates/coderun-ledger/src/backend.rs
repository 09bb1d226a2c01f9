//! Implements every storage port over one ledger; each port has a file of its own beside this one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_storage_metrics::{StorageError, StorageTimer};
use time::OffsetDateTime;

use crate::access::{LedgerAccess, StepError};
use crate::ledger::Ledger;

/// How long a hint rests when no step can be run, before it answers for nothing.
const HINT_REST: Duration = Duration::from_secs(1);

/// Store, queue, notifier, input relay, ticket store and worker registry over one ledger.
///
/// Clones share the ledger.
#[derive(Debug, Clone)]
pub struct LedgerBackend<A> {
    pub(crate) access: A,
    timer: Arc<StorageTimer>,
}

impl<A: LedgerAccess> LedgerBackend<A> {
    /// Wraps the way to a ledger.
    #[must_use]
    pub fn new(access: A) -> Self {
        let timer = Arc::new(StorageTimer::new(A::BACKEND));
        Self { access, timer }
    }

    /// The way to the ledger.
    #[must_use]
    pub const fn access(&self) -> &A {
        &self.access
    }

    /// Closes the backend: every later step is answered as unavailable where the backend can be closed at all. Idempotent.
    pub async fn close(&self) {
        self.access.close().await;
    }

    /// Runs and times the step of a port. `operation` is its name in metrics.
    pub(crate) async fn step<T, E>(
        &self,
        operation: &'static str,
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StepError> + StorageError + Send + 'static,
    {
        let call = async { self.access.apply(step).await? };
        self.timer.time(operation, call).await
    }

    /// Runs the step of a hint. While no step can be run the hint rests and answers for nothing.
    pub(crate) async fn hint<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        if let Ok(found) = self.access.apply(step).await {
            return found;
        }
        tokio::time::sleep(HINT_REST).await;
        None
    }
}

/// The bytes in a buffer of their own. A slice of a larger buffer would keep more in memory than is counted.
pub(crate) fn own_buffer(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
