//! Starts real Redis servers for tests: one node, a master and a replica behind three Sentinels, or a Cluster.
//!
//! Each test starts its own servers, on free loopback ports and in a folder that is deleted with them. They can be paused,
//! killed and restarted. They are killed when they are dropped, and when the process of the test ends. All calls block, and
//! an error panics, which fails the test.

#![expect(clippy::expect_used, clippy::panic, reason = "an error fails the test")]

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
