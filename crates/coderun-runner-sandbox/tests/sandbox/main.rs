//! Tests the sandbox with programs that behave, and with programs that do not.
//!
//! Every test ends with a check for processes and groups that its programs may have left: see [`support::TestSandbox`].

#![expect(
    clippy::unwrap_used,
    reason = "what the fixtures cannot do fails the test"
)]

mod artefacts;
mod buffering;
mod conformance;
mod cpu_and_time;
mod files;
mod freezing;
mod information;
mod interactive;
mod java;
mod kernel_surface;
mod language_checks;
mod language_page;
mod languages;
mod memory;
mod missing_means;
mod mistakes;
mod network;
mod processes;
mod programs;
mod promises;
mod service;
mod slow_end;
mod streams;
mod support;
mod toolchains;
mod verdicts;
mod waiting;
mod without_groups;
