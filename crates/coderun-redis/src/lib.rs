//! Implements the storage ports of coderun on Redis or Valkey: execution store, queue, notifier, input relay, ticket store
//! and worker registry.
//!
//! [`RedisBackend`] implements all of them over one set of records, on one node, behind Sentinels or on a Cluster. Any
//! number of processes share it: every change is a step of a Lua script, which changes a record, its events and every index
//! together, or nothing. Steps that come at the same time share one call. Every step can be repeated, so a call whose reply
//! is lost is simply retried.
//!
//! - `scripts/` holds the steps and what they share; `scripts` puts the two scripts together, and `step` encodes the calls.
//! - `layout` names the keys. `coderun_record` defines the fields of records; `stored_record` and `live_value` read what the
//!   scripts need beside them.
//! - `transport` joins steps into groups and sends them, `subscriber` receives messages of other processes, and `feed` tells
//!   watchers in this process what happens.

#![warn(clippy::future_not_send)]

mod adapter_error;
mod address;
mod audit;
mod backend;
mod command;
mod command_error;
mod config;
mod connection;
mod ending;
mod event_pages;
mod execution_queue;
mod execution_store;
mod feed;
mod fence;
mod finishing;
mod forced_end;
mod health;
mod input_relay;
mod lane;
mod layout;
mod layout_check;
mod lease_steps;
mod lifetimes;
mod listing;
mod live_value;
mod notifier;
mod partition_totals;
mod queue_figures;
mod rare_steps;
mod reading;
mod reply;
mod scripts;
mod step;
mod stored_events;
mod stored_execution;
mod stored_record;
mod submitting;
mod subscriber;
mod sweep;
mod take_state;
mod taking;
mod ticket_store;
mod tokens;
mod transport;
mod unserved_languages;
mod version;
mod worker_registry;

pub use address::{AddressError, RedisAddress};
pub use backend::{ConnectError, RedisBackend};
pub use config::{KeyPrefix, KeyPrefixError, RedisConfig};
