//! Tests what the contract of the ports leaves open: keys, versions, lost replies and failing servers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// Asserts that a value matches a pattern, and shows the value otherwise.
macro_rules! assert_matches {
    ($value:expr, $pattern:pat) => {{
        let value = $value;
        assert!(matches!(value, $pattern), "{value:?}");
    }};
}

mod audit;
mod cluster;
mod commands;
mod contract;
mod data_loss;
mod deletion;
mod health;
mod input;
mod key_lifetimes;
mod late_start;
mod lost_replies;
mod outlived_entries;
mod proxy;
mod queue_position;
mod replicas;
mod retention;
mod support;
mod tickets;
mod versions;
mod watching;
mod wrong_values;
