//! Starts processes of the binary and calls them as clients do, for all test programs of this crate.

mod calls;
mod events;
mod http_server;
mod launch;
mod processes;
mod redis;
mod service;
mod socket;
mod waiting;

pub(crate) use http_server::{HttpServer, Request};
pub(crate) use launch::{Launch, coderun, output, text, unused_address};
pub(crate) use processes::{descendants, find_runner, runs_marked, until_ended};
pub(crate) use redis::dump;
pub(crate) use service::Service;
pub(crate) use socket::{EventLog, Socket};
pub(crate) use waiting::{DEADLINE, eventually, within};
