//! The use cases of coderun: what users do with executions, and what a worker does with them.
//!
//! [`Executions`] submits, reads, lists, watches and cancels on behalf of a user; [`Worker`] takes executions from the
//! queue, runs them and records what became of them; [`Readiness`] says whether all that would work now. They know the
//! ports of [`coderun_domain`] and nothing of what stands behind them.

#![warn(clippy::future_not_send)]

mod executions;
mod readiness;
mod worker;

pub use executions::{
    AccessError, Executions, ExecutionsPorts, SubmitError, WatchEvent, WatchStream,
};
pub use readiness::{Check, CheckStatus, Readiness, ReadinessPorts};
pub use worker::{Shutdown, Worker, WorkerPorts, WorkerSettings};
