//! Starts processes of the binary and talks to them as clients would; the test programs of this crate share it.

mod calls;
mod events;
mod launch;
mod processes;
mod service;
mod socket;
mod waiting;

pub(crate) use launch::{Launch, coderun, output, text};
pub(crate) use processes::{descendants, is_alive, runs_marked, whoever_runs};
pub(crate) use service::Service;
pub(crate) use socket::{Socket, Story};
pub(crate) use waiting::{DEADLINE, eventually, within};
