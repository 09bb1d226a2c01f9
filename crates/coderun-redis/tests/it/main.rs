//! What the contract of the ports does not say: keys, versions, lost replies, and servers that go away.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cluster;
mod commands;
mod forgetting;
mod health;
mod input;
mod keys;
mod lost_replies;
mod places;
mod proxy;
mod replicas;
mod support;
mod tickets;
mod traces;
mod versions;
