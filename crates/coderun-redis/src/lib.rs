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

mod adapter_error;
mod address;
mod backend;
mod command_error;
mod config;
mod connection;
mod counting;
mod event_pages;
mod execution_queue;
mod execution_store;
mod health;
mod input_relay;
mod layout;
mod layout_check;
mod lease_step;
mod notifier;
mod partition_totals;
mod record;
mod reply;
mod script;
mod shared_connections;
mod subscriber;
mod sweep;
mod take;
mod ticket_store;
mod worker_registry;

pub use address::{AddressError, RedisAddress};
pub use backend::{ConnectError, RedisBackend};
pub use config::{KeyPrefix, KeyPrefixError, RedisConfig};
