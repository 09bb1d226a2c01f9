//! The whole service as its users see it: the real binary, real sandbox, real sockets.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod commands;
mod fairness;
#[path = "../support/firebase.rs"]
mod firebase;
mod firebase_users;
mod languages;
mod lifecycle;
mod mission;
mod outage;
mod roles;
mod sentinel;
#[path = "../support/support.rs"]
mod support;
mod takeover;
mod third_parties;
