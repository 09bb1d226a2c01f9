//! Every storage port inside the process: the embedded default, and a test double with behaviour.
//!
//! Everything is lost when the process ends. One lock guards the ledger of all records; no call holds it
//! for longer than a few lookups, and none holds it while it waits. What is kept has bounds:
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | waiting executions, in all and of one user | `pending_max`, `user_pending_max` | the submission is refused |
//! | submissions that are not final, in all and of one user | `live_bytes_max`, a quarter of it or a single one | the submission is refused |
//! | output of running executions | the output limit of each, times two streams, times `attempts_max` | the worker stops the program |
//! | final records | [`MemoryConfig::final_bytes_max`], and `retention` | the oldest of whoever occupies the most are deleted |
//! | times of submissions | `user_submits_per_minute` for each user, for a minute | the submission is refused |
//! | input of an execution that is not final | `StorePolicy::INPUT_KEPT_MAX`, which the submission is counted with | the sender is told to wait |
//! | tickets | `StorePolicy::TICKETS_MAX` for each record | the ticket is refused |
//! | workers | 1 024, for as long as each says | the announcement is refused |
//! | what watchers have not read yet | nothing is kept for them | they read the stored events |
//!
//! An adapter that keeps the same executions in a file works on the same [`Ledger`], so that the rules are written once.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use coderun_domain::{
//!     ExecutionQueue, ExecutionStore, InputRelay, Notifier, StorePolicy, TicketStore, testing,
//! };
//! use coderun_memory::MemoryBackend;
//!
//! let clock = Arc::new(testing::ManualClock::default());
//! let backend = MemoryBackend::new(testing::store_policy(), clock);
//! let store: Arc<dyn ExecutionStore> = Arc::new(backend.clone());
//! let queue: Arc<dyn ExecutionQueue> = Arc::new(backend.clone());
//! let notifier: Arc<dyn Notifier> = Arc::new(backend.clone());
//! let inputs: Arc<dyn InputRelay> = Arc::new(backend.clone());
//! let tickets: Arc<dyn TicketStore> = Arc::new(backend);
//! ```

#![warn(clippy::future_not_send)]

mod backend;
mod execution_queue;
mod execution_store;
mod input_relay;
mod ledger;
mod notifier;
mod registry;
mod signal;
mod ticket_store;

pub use backend::{MemoryBackend, MemoryConfig};
pub use ledger::{
    Change, Holder, Kept, KeptInput, Ledger, News, Settled, Ticket, Watched, Workers,
};
pub use registry::MemoryRegistry;
pub use signal::Listener;
