//! Implements the storage ports of coderun on Redis or Valkey: execution store, queue, notifier, input relay, ticket store
//! and worker registry.
//!
//! [`RedisBackend`] has one part for each of them, over one set of records, on one node, behind Sentinels or on a Cluster. Any
//! number of processes share it: every change is a step of a Lua script, which changes a record, its events and every index
//! together, or nothing. Steps that come at the same time share one call. Every step can be repeated, so a call whose reply
//! is lost is simply retried.
//!
//! - `scripts/` holds the steps and what they share; `scripts` puts the two scripts together, and `step` encodes the calls.
//! - `layout` names the keys. `coderun_record` defines the fields of records; `stored_record` and `live_value` read what the
//!   scripts need beside them.
//! - `backend` composes the parts. They share a `client`, which runs steps and commands.
//! - `transport` joins steps into groups and sends them, `subscriber` receives messages of other processes, and `feed` tells
//!   watchers in this process what happens.

#![warn(clippy::future_not_send)]

mod adapter_error;
mod address;
mod backend;
mod client;
mod command;
mod command_error;
mod config;
mod connect_waits;
mod connection;
mod diagnosis;
mod event_pages;
mod execution_queue;
mod execution_store;
mod feed;
mod finishing;
mod health;
mod input_relay;
mod layout;
mod layout_check;
mod listing;
mod live_value;
mod notifier;
mod partition_totals;
mod record_reader;
mod reply;
mod rights;
mod scripts;
mod step;
mod stored_events;
mod stored_record;
mod submitting;
mod subscriber;
mod sweep;
mod taking;
mod ticket_store;
mod transport;
mod unserved_languages;
mod version;
mod worker_registry;

pub use address::{AddressError, RedisAddress};
pub use backend::{ConnectError, RedisBackend};
pub use config::{KeyPrefix, KeyPrefixError, RedisConfig};
