//! Keeps state inside the process: the embedded default, and a test double with behaviour.
//!
//! Everything is lost when the process ends. One lock guards the ledger of all records; no call holds it for longer than a
//! few lookups, and none holds it while it waits. `coderun_ledger` has the rules, and lists what bounds the memory.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use coderun_domain::{
//!     ExecutionQueue, ExecutionStore, InputRelay, Notifier, TicketStore, WorkerRegistry, testing,
//! };
//! use coderun_memory::{LedgerConfig, memory_backend};
//!
//! let clock = Arc::new(testing::ManualClock::default());
//! let backend = memory_backend(LedgerConfig::new(testing::store_policy()), clock);
//! let store: Arc<dyn ExecutionStore> = Arc::new(backend.clone());
//! let queue: Arc<dyn ExecutionQueue> = Arc::new(backend.clone());
//! let notifier: Arc<dyn Notifier> = Arc::new(backend.clone());
//! let inputs: Arc<dyn InputRelay> = Arc::new(backend.clone());
//! let tickets: Arc<dyn TicketStore> = Arc::new(backend.clone());
//! let registry: Arc<dyn WorkerRegistry> = Arc::new(backend);
//! ```

#![warn(clippy::future_not_send)]

mod locked_ledger;

use std::sync::Arc;

use coderun_domain::Clock;
use coderun_ledger::LedgerBackend;

pub use coderun_ledger::LedgerConfig;
pub use locked_ledger::LockedLedger;

/// Every storage port over one ledger in this process.
///
/// Clones share their records. `Debug` shows counts only.
pub type MemoryBackend = LedgerBackend<LockedLedger>;

/// An empty backend that takes its times from this clock.
#[must_use]
pub fn memory_backend(config: LedgerConfig, clock: Arc<dyn Clock>) -> MemoryBackend {
    LedgerBackend::new(LockedLedger::new(config, clock))
}

#[cfg(test)]
mod tests;
