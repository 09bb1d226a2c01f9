//! Tests the cache of keys. Where days pass, the publisher is a script and time is virtual; where the network fails, there
//! is a network.

mod cold;
mod faults;
mod key_server;
mod metrics;
mod publisher;
mod refreshing;
mod unknown;
mod verifying;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::*;
use crate::testing::{key, outage, public_half};

/// How long a test waits for an event that must happen, even on a slow machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn kid(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

/// A set in which all these names stand for the same key.
fn key_set(names: &[&str]) -> KeySet {
    KeySet::from_public_keys(names.iter().map(|name| (kid(name), public_half(key())))).unwrap()
}

/// Runs a caller in a task of its own.
fn spawn<T: Send + 'static>(caller: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    TaskTracker::new().spawn(caller)
}

fn has(keys: &KeySet, name: &str) -> bool {
    keys.get(&kid(name)).is_some()
}

fn config() -> HttpKeysConfig {
    HttpKeysConfig::new("http://127.0.0.1:1/keys".parse().unwrap())
}
