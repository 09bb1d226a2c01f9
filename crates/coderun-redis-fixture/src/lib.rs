//! Real Redis servers for tests: one node, three Sentinels with what they watch, or a Cluster.
//!
//! Each test starts its own, on free loopback ports and in a folder that goes with it. They can be paused, killed and
//! restarted, and are killed when they are dropped or when the process of the test ends in whatever way. Everything
//! here blocks, and whatever does not work panics: that fails the test.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what does not work fails the test that wants it"
)]

mod client;
mod cluster;
mod port;
mod process;
mod sentinel;
mod server;

pub use client::Reply;
pub use cluster::RedisCluster;
pub use sentinel::RedisSentinel;
pub use server::{RedisOptions, RedisServer};
