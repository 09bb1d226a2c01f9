//! Implements every storage port over a ledger of executions in memory: the rules that several adapters share.
//!
//! [`Ledger`] is a state machine without a clock, locks or tasks. [`LedgerAccess`] is what an adapter brings: a way to run a
//! step on its ledger. [`LedgerBackend`] implements the ports over both. An adapter that saves its executions
//! takes the changes of each step from [`Ledger::take_changes`] and makes a ledger again with [`Ledger::restore`].
//!
//! Everything that a ledger keeps has a bound:
//!
//! | what | bound | beyond it |
//! |---|---|---|
//! | waiting executions, in all and of one user | `pending_max` and a share of it, `user_pending_max` | the submission is refused |
//! | submissions that are not final, in all and of one user | `live_bytes_max` and a share of it | the submission is refused |
//! | output of running executions | the output limit of each, times two streams, times `attempts_max` | the worker stops the program |
//! | final records | [`LedgerConfig::final_bytes_max`], and `retention` | the oldest of the user who occupies the most are deleted |
//! | times of submissions | `user_submits_per_minute` for each user, until the first sweep after a minute | the submission is refused |
//! | input of an execution that is not final | `StorePolicy::INPUT_KEPT_MAX`, which the submission is counted with | the sender is told to wait |
//! | tickets | `StorePolicy::TICKETS_MAX` for each record | the ticket is refused |
//! | offers of workers | 1 024, each until its lifetime is over | the announcement is refused |
//! | events that a watcher has not read | none are kept for it | it reads the stored events |

#![warn(clippy::future_not_send)]

mod access;
mod backend;
mod config;
mod execution_queue;
mod execution_store;
mod input_relay;
mod ledger;
mod notifier;
mod ticket_store;
mod wake;
mod worker_registry;

pub use access::{LedgerAccess, StepError};
pub use backend::LedgerBackend;
pub use config::LedgerConfig;
pub use ledger::{
    InputSnapshot, LeaseEnd, LeaseHolder, Ledger, LedgerChanges, LedgerCounts, RecordSnapshot,
    VolatileState,
};
