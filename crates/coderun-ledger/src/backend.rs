//! Implements every storage port over one ledger; each port has a file of its own beside this one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_storage_metrics::{StorageError, StorageTimer};

use crate::access::{LedgerAccess, StepError};
use crate::ledger::Ledger;
use crate::wake::WakeListener;

/// How long a hint waits before it answers although no step can be run.
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
    /// Implements the ports over this ledger.
    #[must_use]
    pub fn new(access: A) -> Self {
        let timer = Arc::new(StorageTimer::new(A::BACKEND));
        Self { access, timer }
    }

    /// The access to the ledger.
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
        step: impl FnOnce(&mut Ledger) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StepError> + StorageError + Send + 'static,
    {
        let call = async { self.access.apply(step).await? };
        self.timer.time(operation, call).await
    }

    /// Waits for the listener that a step makes, and answers whether it has made one. While no step can be run this
    /// answers after a rest.
    pub(crate) async fn wait_for(
        &self,
        listen: impl FnOnce(&mut Ledger) -> Option<WakeListener> + Send + 'static,
    ) -> bool {
        match self.access.apply(listen).await {
            Ok(Some(mut listener)) => listener.woken().await,
            Ok(None) => return false,
            Err(_) => {
                tokio::time::sleep(HINT_REST).await;
                return false;
            }
        }
        true
    }
}

/// The bytes in a buffer of their own. A slice of a larger buffer would keep more in memory than is counted.
pub(crate) fn own_buffer(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
