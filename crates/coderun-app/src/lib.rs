//! Implements the use cases of coderun and the worker over the ports of [`coderun_domain`].
//!
//! [`Executions`] submits, reads, lists, watches, cancels and deletes on behalf of a user. [`Worker`] takes executions from the
//! queue, runs them and records how they end. The two may be in different processes: an [`Announcer`] publishes what its
//! worker can run, and a [`Fleet`] collects what all workers have published. A [`Sweeper`] enforces deadlines, and
//! [`Readiness`] checks the dependencies. None of them knows an adapter.

#![warn(clippy::future_not_send)]

mod announcer;
mod executions;
mod fleet;
mod jittered_interval;
pub mod metrics;
mod outage;
mod readiness;
mod retry;
mod sweeper;
#[cfg(test)]
mod testing;
mod worker;

pub use announcer::{Announcer, AnnouncerPorts, AnnouncerSettings};
pub use executions::{
    AcceptedSubmission, AccessError, Executions, ExecutionsPorts, InputSender, IssuedTicket,
    SubmitError, TicketIssueError,
};
pub use fleet::{Fleet, FleetError, FleetView, NoWorkerYet};
pub use jittered_interval::JitteredInterval;
pub use outage::OutageLog;
pub use readiness::{Check, CheckStatus, Readiness, ReadinessPorts, Runners};
pub use sweeper::Sweeper;
pub use worker::{
    LocalWorker, NextTake, ParkingSettings, Shutdown, Worker, WorkerPorts, WorkerSettings,
};
