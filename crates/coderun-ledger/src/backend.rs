//! Implements every storage port over one ledger; each port has a file of its own beside this one.

use std::time::Duration;

use bytes::Bytes;
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
}

impl<A: LedgerAccess> LedgerBackend<A> {
    /// Wraps the way to a ledger.
    #[must_use]
    pub const fn new(access: A) -> Self {
        Self { access }
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

    /// Runs the step of a port. `_operation` is its name, as metrics call it.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        _operation: &'static str,
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> T + Send + 'static,
    ) -> Result<T, StepError> {
        self.access.apply(step).await
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
