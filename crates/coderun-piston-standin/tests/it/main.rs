//! What Piston says, as clients see it: the protocol, real programs, the program itself, and every fault.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod binary;
mod body_limit;
mod faults;
mod jobs;
mod programs;
mod protocol;
mod support;
