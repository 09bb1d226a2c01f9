//! Tests calls while a server, or the connection to it, fails.

mod cluster;
mod node;
mod outage;
mod sentinel;

use std::time::Duration;

use coderun_redis_fixture::RedisServer;
use deadpool_redis::redis::Value;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::*;

/// Enough for a call that must succeed, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// The patience of calls that must fail.
const SHORT: Duration = Duration::from_millis(1200);
/// How much later than its patience a call may fail on a busy machine.
const TOLERANCE: Duration = Duration::from_millis(800);

fn config(url: &str, patience: Duration) -> RedisConfig {
    let mut config = RedisConfig::new(url.parse().unwrap());
    config.connect_timeout = Duration::from_millis(500);
    config.response_timeout = Duration::from_millis(500);
    config.patience = patience;
    config
}

async fn open(url: &str, patience: Duration) -> SharedConnections {
    try_open(url, patience).await.unwrap()
}

async fn try_open(url: &str, patience: Duration) -> Result<SharedConnections, CommandError> {
    SharedConnections::open(&config(url, patience), 0).await
}

/// Connections to a server of their own.
async fn start(patience: Duration) -> (RedisServer, SharedConnections) {
    let server = RedisServer::start();
    let connections = open(&server.url(), patience).await;
    (server, connections)
}

async fn call(connections: &SharedConnections, words: &[&str]) -> Result<Value, CommandError> {
    connections.call(|_| command(words)).await
}

async fn set(connections: &SharedConnections) -> Result<Value, CommandError> {
    call(connections, &["SET", "a", "1"]).await
}

async fn assert_set(connections: &SharedConnections) {
    assert_eq!(set(connections).await.unwrap(), Value::Okay);
}

/// Asserts that a call fails, and within its patience.
async fn assert_fails_in_time(connections: &SharedConnections, words: &[&str]) -> CommandError {
    let start = Instant::now();
    let error = call(connections, words).await.unwrap_err();
    let took = start.elapsed();
    assert!(took < SHORT + TOLERANCE, "{took:?}: {error:?}");
    error
}

/// Records the attempts of a call.
#[derive(Default)]
struct Attempts(Mutex<Vec<(u32, bool)>>);

impl Attempts {
    fn record(&self, attempt: CallAttempt) {
        let attempt = (attempt.number, attempt.script_is_known);
        self.0.lock().push(attempt);
    }

    fn all(&self) -> Vec<(u32, bool)> {
        self.0.lock().clone()
    }
}

/// Counts the connections that the server accepts, without those of the fixture.
struct ConnectionCount<'a> {
    server: &'a RedisServer,
    before: u64,
    asked: u64,
}

impl<'a> ConnectionCount<'a> {
    fn from_now_on(server: &'a RedisServer) -> Self {
        Self {
            server,
            before: received(server),
            asked: 0,
        }
    }

    fn made(&mut self) -> u64 {
        self.asked += 1;
        received(self.server) - self.before - self.asked
    }
}

fn received(server: &RedisServer) -> u64 {
    let count = server.info("total_connections_received").unwrap();
    count.parse().unwrap()
}

fn cut_connections(server: &RedisServer) {
    drop(server.command(&["CLIENT", "KILL", "TYPE", "normal"]));
}
