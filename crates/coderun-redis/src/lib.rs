//! Execution store, queue, notifier, input relay, ticket store and worker registry of coderun on Redis or Valkey.
//!
//! [`RedisBackend`] is all of them over one set of records, on one node, behind Sentinels or on a Cluster. Any number of
//! processes share it: every step is one script in one round trip, which changes a record, its events and every index
//! together, or nothing. Every step may be repeated, so a lost reply is simply asked for again.
//!
//! - `scripts/` is what happens on the server: a file for each step, and five with the words in which steps are written.
//! - `layout` names the keys; the stored form is `coderun_record`, and `record` is what the scripts write beside it.
//! - `lanes` are the shared connections, `hub` is the one that listens. What it hears is only a hint.

#![warn(clippy::future_not_send)]

mod address;
mod backend;
mod config;
mod connection;
mod counting;
mod elsewhere;
mod execution_queue;
mod execution_store;
mod failure;
mod fault;
mod health;
mod hub;
mod input_relay;
mod lanes;
mod layout;
mod layout_check;
mod leasing;
mod notifier;
mod record;
mod reply;
mod script;
mod sweeping;
mod taking;
mod ticket_store;
mod watching;
mod worker_registry;

pub use address::{AddressError, RedisAddress};
pub use backend::{ConnectError, RedisBackend};
pub use config::{KeyPrefix, KeyPrefixError, RedisConfig};
