//! Tests the whole service as users see it: the real binary, real sandbox, real sockets.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "otel")]
#[path = "../support/collector.rs"]
mod collector;
mod commands;
mod contract;
mod data_dir;
mod deletion;
mod deploy;
mod end_to_end;
mod fairness;
#[path = "../support/firebase.rs"]
mod firebase;
mod firebase_users;
mod idempotency;
mod interactive;
mod languages;
mod lifecycle;
mod metrics;
mod outage;
mod page;
mod redis_rights;
mod roles;
mod sentinel;
mod streaming;
#[expect(dead_code, reason = "shared with other test programs")]
#[path = "../support/support.rs"]
mod support;
mod takeover;
mod third_parties;
#[cfg(feature = "otel")]
mod traces;
