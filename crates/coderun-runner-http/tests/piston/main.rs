//! The runner against a Piston that says whatever a test wants it to say.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and its tasks end with its runtime"
)]

mod cancellation;
mod checks;
mod counting;
mod knowledge;
mod losses;
mod patience;
mod refusals;
mod results;
mod secrets;
mod support;
