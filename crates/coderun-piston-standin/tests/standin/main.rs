//! Tests the stand-in as its clients see it, and the runner for Piston against it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod binary;
mod conformance;
mod faults;
mod programs;
mod support;
