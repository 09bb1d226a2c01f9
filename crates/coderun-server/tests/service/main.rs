//! The whole service as its users see it: the real binary, real sandbox, real sockets.

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
mod deleting;
mod durable;
mod fairness;
#[path = "../support/firebase.rs"]
mod firebase;
mod firebase_users;
mod languages;
mod lifecycle;
mod metrics;
mod mission;
mod outage;
mod roles;
mod sentinel;
mod streaming;
#[path = "../support/support.rs"]
mod support;
mod takeover;
mod third_parties;
#[cfg(feature = "otel")]
mod traces;
mod typing;
