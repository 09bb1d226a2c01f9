//! Tests the runner against a fake Piston that answers by script.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cancellation;
mod checks;
mod faults;
mod overload;
mod refusals;
mod results;
mod runtimes;
mod secrets;
mod support;
mod unusable_answers;
