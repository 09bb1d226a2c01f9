//! Tests calls while a server, or the connection to it, fails.

mod cluster;
mod groups;
mod node;
mod outage;
mod runtimes;
mod sentinel;

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::ManualClock;
use coderun_redis_fixture::RedisServer;
use deadpool_redis::redis::Value;
use tokio::time::Instant;

use super::*;
use crate::command::command;
use crate::config::KeyPrefix;
use crate::layout::Layout;
use crate::scripts::Scripts;

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

async fn open(url: &str, patience: Duration) -> Transport {
    try_open(url, patience).await.unwrap()
}

async fn try_open(url: &str, patience: Duration) -> Result<Transport, CommandError> {
    let transport = Transport::open(&config(url, patience), scripts())?;
    call(&transport, &["PING"]).await?;
    Ok(transport)
}

/// Scripts whose steps answer with their headers and count their runs.
pub(crate) fn scripts() -> Arc<GroupScripts> {
    Arc::new(GroupScripts {
        scripts: Scripts::of(groups::COUNT_STEPS, groups::COUNT_STEPS),
        layout: Layout::new(&KeyPrefix::default(), 1),
        clock: Arc::new(ManualClock::default()),
        policy: Bytes::new(),
    })
}

/// Connections to a server of their own.
async fn start(patience: Duration) -> (RedisServer, Transport) {
    let server = RedisServer::start();
    let transport = open(&server.url(), patience).await;
    (server, transport)
}

async fn call(transport: &Transport, words: &[&str]) -> Result<Value, CommandError> {
    transport.call(&command(words)).await
}

async fn set(transport: &Transport) -> Result<Value, CommandError> {
    call(transport, &["SET", "a", "1"]).await
}

async fn assert_set(transport: &Transport) {
    assert_eq!(set(transport).await.unwrap(), Value::Okay);
}

/// Asserts that a call fails, and within its patience.
async fn assert_fails_in_time(transport: &Transport, words: &[&str]) -> CommandError {
    let start = Instant::now();
    let error = call(transport, words).await.unwrap_err();
    let took = start.elapsed();
    assert!(took < SHORT + TOLERANCE, "{took:?}: {error:?}");
    error
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
