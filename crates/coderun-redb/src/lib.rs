//! Every storage port over one file, for a single process: what was accepted survives the process, however it ends.
//!
//! The rules are those of [`coderun_memory::Ledger`], which holds every execution in memory, with the bounds that
//! `coderun_memory` lists. One thread owns the ledger and the file. Steps are sent to it over a bounded channel; it does
//! what is waiting, writes what that changed in one durable transaction, and only then answers. So nobody is told of
//! anything that a power failure could undo. Watchers are woken by the step itself, but look by a step of their own, which
//! is answered after the transaction, too.
//!
//! If a transaction fails (a full disk), those who asked are told that the store is not available, and ledger and file are
//! opened anew from what was written before. It may have been written nevertheless, so that only the same may be repeated,
//! as the ports say.
//!
//! # What survives
//!
//! Executions with their events, the wish to stop them, and what was sent to them. What ran when the process ended may be
//! taken over at once, in the next attempt. The rate of submissions and unused tickets are forgotten; workers announce
//! themselves again, so the registry is the one of `coderun_memory`.
//!
//! # The file
//!
//! `coderun.redb`, which only its owner may read, in a folder that only its owner may enter unless it was there before. It
//! is made whole under another name (`coderun.redb.new-…`) and then gets its own, so that the first start, too, may be
//! killed at any time; the next one removes what is left. That needs a file system with hard links. A second process on the
//! same folder, and a file that a newer version wrote, are refused. Deleted records leave in the transaction that deletes
//! them, and their room is used again; when it is opened a file that is mostly room is compacted.
//!
//! # Example
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use coderun_domain::{Clock, ExecutionQueue, ExecutionStore, StorePolicy};
//! use coderun_redb::{RedbBackend, RedbConfig, RedbError};
//!
//! async fn open(policy: StorePolicy, clock: Arc<dyn Clock>) -> Result<(), RedbError> {
//!     let config = RedbConfig::in_folder("/var/lib/coderun");
//!     let backend = RedbBackend::open(policy, config, clock).await?;
//!     let store: Arc<dyn ExecutionStore> = Arc::new(backend.clone());
//!     let queue: Arc<dyn ExecutionQueue> = Arc::new(backend.clone());
//!     backend.close().await;
//!     Ok(())
//! }
//! ```

#![warn(clippy::future_not_send)]

mod backend;
mod config;
mod error;
mod execution_queue;
mod execution_store;
mod file;
mod input_relay;
mod notifier;
mod owner;
mod stored;
mod ticket_store;

pub use backend::RedbBackend;
pub use config::RedbConfig;
pub use error::RedbError;
