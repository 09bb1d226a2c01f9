//! Keeps state in one file, for a single process: what was accepted survives the process, however it ends.
//!
//! The rules are those of [`coderun_ledger::Ledger`], which holds every execution in memory, with the bounds that
//! `coderun_ledger` lists. One thread owns the ledger and the file. Steps are sent to it over a bounded channel. It runs the
//! steps that wait, writes their changes in one durable transaction, and only then answers. So no answer can be undone by a
//! power failure. A step wakes watchers before its changes are written, but they read by a step of their own, which is
//! answered after the transaction, too.
//!
//! If a transaction fails (a full disk), the callers are told that the store is not available, and ledger and file are
//! opened again from what was written before. The transaction may have been written nevertheless, so that only the same call
//! may be repeated, as the ports say.
//!
//! # What survives
//!
//! Executions with their events, cancel requests and input survive. An execution that ran when the process ended may be
//! taken over at once, in the next attempt. The rate of submissions, unused tickets and the offers of workers do not
//! survive; workers announce themselves again.
//!
//! # The file
//!
//! `coderun.redb`, which only its owner may read, is in a folder that only its owner may enter unless it existed before. The
//! file is created complete under another name (`coderun.redb.new-…`) and then gets its own, so that even the first start
//! may be killed at any time; the next start removes what is left. That needs a file system that renames without replacing, or
//! one with hard links. A second
//! process on the same folder, and a file that a newer version wrote, are refused. Records are removed by the transaction
//! that deletes them, and their room is used again. A file that is mostly unused room is compacted when it is opened.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use coderun_domain::{Clock, ExecutionQueue, ExecutionStore, StorePolicy};
//! use coderun_redb::{RedbConfig, RedbError, open_backend};
//!
//! async fn open(policy: StorePolicy, clock: Arc<dyn Clock>) -> Result<(), RedbError> {
//!     let config = RedbConfig::in_folder("/var/lib/coderun", policy);
//!     let backend = open_backend(config, clock).await?;
//!     let store: Arc<dyn ExecutionStore> = Arc::new(backend.clone());
//!     let queue: Arc<dyn ExecutionQueue> = Arc::new(backend.clone());
//!     backend.close().await;
//!     Ok(())
//! }
//! ```

#![warn(clippy::future_not_send)]

mod config;
mod error;
mod file;
mod file_ledger;
mod file_thread;
mod stored;

use std::sync::Arc;

use coderun_domain::Clock;
use coderun_ledger::LedgerBackend;

use crate::file::File;

pub use config::RedbConfig;
pub use error::RedbError;
pub use file_ledger::FileLedger;

/// Every storage port over one file. Clones share it.
pub type RedbBackend = LedgerBackend<FileLedger>;

/// Opens the file of a folder, or begins a new one.
///
/// Executions that ran when the file was last used may be taken over at once. Opening takes as long as it takes to read the file,
/// and after a crash to check it.
///
/// # Errors
/// [`RedbError`]: each of them.
pub async fn open_backend(
    config: RedbConfig,
    clock: Arc<dyn Clock>,
) -> Result<RedbBackend, RedbError> {
    let folder = config.folder;
    let open = move || File::in_folder(&folder);
    let ledger = FileLedger::open(open, config.ledger, config.step_timeout, clock);
    ledger.await.map(LedgerBackend::new)
}

#[cfg(test)]
mod tests;
