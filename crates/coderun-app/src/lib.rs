//! The use cases of coderun: what users do with executions, and what a worker does with them.
//!
//! [`Executions`] submits, reads, lists, watches, cancels and deletes on behalf of a user; [`Worker`] takes executions from the
//! queue, runs them and records what became of them. They need not be in one process: an [`Announcer`] says what its
//! worker can run, a [`Fleet`] knows what all workers have said. A [`Sweeper`] enforces deadlines, and [`Readiness`] says
//! whether all that would work now. They know the ports of [`coderun_domain`] and nothing of what stands behind them.

#![warn(clippy::future_not_send)]

mod announcer;
mod executions;
mod fleet;
mod outage;
mod readiness;
mod rhythm;
mod sweeper;
mod worker;

pub use announcer::{Announcer, AnnouncerPorts, AnnouncerSettings};
pub use executions::{
    AccessError, Console, Executions, ExecutionsPorts, IssuedTicket, SubmitError, TicketIssueError,
    WatchEvent, WatchStream,
};
pub use fleet::{Fleet, FleetError, FleetView, NoWorkerYet};
pub use readiness::{Check, CheckStatus, Readiness, ReadinessPorts, Runners};
pub use rhythm::Rhythm;
pub use sweeper::Sweeper;
pub use worker::{Shutdown, Worker, WorkerPorts, WorkerSettings};
