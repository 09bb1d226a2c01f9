//! Makes the tokens by which a step recognises its repetition.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts up from the start of the process in microseconds, so that no process of the same worker ever gives a number twice.
#[derive(Debug)]
pub(crate) struct Tokens(AtomicU64);

impl Tokens {
    pub(crate) fn new(started_at_micros: i64) -> Self {
        Self(AtomicU64::new(started_at_micros.max(1).unsigned_abs()))
    }

    /// A number that this process has not given before.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    /// The name of a staged value, which no other process makes.
    pub(crate) fn nonce(&self) -> String {
        format!("{:x}-{:x}", self.next(), fastrand::u128(..))
    }
}
