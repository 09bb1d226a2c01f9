//! Measures CPU time per request and throughput of the server.
//!
//! Scenarios vary the storage, the runner and the tokens.
//!
//! The server is a process of its own (this program again, with `SERVE_INSTANT_RUNNER`, or the real binary), so that its
//! CPU time is its own. The load comes over 32 or 64 connections; noise of the machine shows in the throughput, hardly in
//! the CPU time.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints numbers, and fails by panicking"
)]

mod faults;
mod live;
mod load;
mod scenarios;
mod sockets;
#[expect(dead_code, unused_imports, reason = "shared with the tests")]
#[path = "../../tests/support/support.rs"]
mod support;

use std::sync::Arc;

use coderun_domain::testing::InstantRunner;
use coderun_server::ProcessEnvironment;
use coderun_server::testing::serve_with_runner;

/// Makes this program the server, with a runner that takes no time.
const SERVE: &str = "SERVE_INSTANT_RUNNER";

fn main() -> anyhow::Result<()> {
    if std::env::var_os(SERVE).is_some() {
        return serve_with_runner(&ProcessEnvironment, Arc::new(InstantRunner));
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let names = arguments.iter().filter(|word| !word.starts_with("--"));
    Ok(scenarios::run(&names.collect::<Vec<_>>())?)
}
