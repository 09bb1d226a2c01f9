//! The sandbox against programs that behave, and against programs that do not.
//!
//! Every test ends by looking for what its programs may have left behind: see [`support::TestSandbox`].

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what the fixtures cannot do fails the test"
)]

mod conformance;
mod cpu_and_time;
mod files;
mod information;
mod interactive;
mod kernel_surface;
mod memory;
mod network;
mod processes;
mod promises;
mod service;
mod streams;
mod support;
