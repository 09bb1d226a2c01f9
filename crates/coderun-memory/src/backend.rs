//! The one type of this crate: a clock and the locked ledger.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use coderun_domain::{ByteSize, Clock, StorePolicy};
use time::OffsetDateTime;

use crate::ledger::Ledger;

/// What this adapter needs to know beyond the [`StorePolicy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryConfig {
    /// What final records may occupy together, texts, output and bookkeeping. Beyond it records are deleted before
    /// their retention is over, each time the oldest of the user who occupies the most; the latest of all stays, whatever
    /// its size. Default: 256 MiB.
    pub final_bytes_max: ByteSize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            final_bytes_max: ByteSize::from_mib(256),
        }
    }
}

/// Store, queue and notifier over one set of records in this process.
///
/// Clones share their records. `Debug` shows counts only.
#[derive(Clone)]
pub struct MemoryBackend {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    ledger: Mutex<Ledger>,
}

impl MemoryBackend {
    /// An empty backend with the default [`MemoryConfig`].
    #[must_use]
    pub fn new(policy: StorePolicy, clock: Arc<dyn Clock>) -> Self {
        Self::with_config(policy, MemoryConfig::default(), clock)
    }

    /// An empty backend.
    #[must_use]
    pub fn with_config(policy: StorePolicy, config: MemoryConfig, clock: Arc<dyn Clock>) -> Self {
        let ledger = Mutex::new(Ledger::new(policy, config));
        Self {
            shared: Arc::new(Shared { clock, ledger }),
        }
    }

    /// Does one atomic step. A panic in an earlier step left at most a half-done step behind, so the lock stays usable.
    pub(crate) fn step<T>(&self, step: impl FnOnce(&mut Ledger, OffsetDateTime) -> T) -> T {
        let now = self.shared.clock.now();
        let mut ledger = self
            .shared
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        step(&mut ledger, now)
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.step(|ledger, _| ledger.counts());
        f.debug_tuple("MemoryBackend").field(&counts).finish()
    }
}

#[cfg(test)]
mod tests;
