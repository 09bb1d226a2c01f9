//! What happens to calls when a server, or the way to it, does not do as it should.

mod cluster;
mod node;
mod outage;
mod sentinel;

use std::sync::Mutex;
use std::time::Duration;

use coderun_redis_fixture::RedisServer;
use deadpool_redis::redis::{Cmd, Value};
use tokio::time::Instant;

use super::*;

/// Enough for whatever must succeed, on a machine that is busy with other things.
const LONG: Duration = Duration::from_secs(20);
/// What calls take that must fail.
const SHORT: Duration = Duration::from_millis(1200);
/// How much later than it should a call may fail on a busy machine.
const TOLERANCE: Duration = Duration::from_millis(800);

fn config(url: &str, patience: Duration) -> RedisConfig {
    let mut config = RedisConfig::new(url.parse().unwrap());
    config.connect_timeout = Duration::from_millis(500);
    config.response_timeout = Duration::from_millis(500);
    config.patience = patience;
    config
}

async fn open(url: &str, patience: Duration) -> SharedConnections {
    SharedConnections::open(&config(url, patience))
        .await
        .unwrap()
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(words);
    command
}

async fn ask(lanes: &SharedConnections, words: &[&str]) -> Result<Value, CommandError> {
    let command = command(words);
    lanes.ask(|_| command.clone()).await
}

fn ok() -> Value {
    Value::Okay
}

/// Sees a call fail, and not later than it should.
async fn assert_fails_in_time(lanes: &SharedConnections, words: &[&str]) -> CommandError {
    let start = Instant::now();
    let fault = ask(lanes, words).await.unwrap_err();
    let took = start.elapsed();
    assert!(took < SHORT + TOLERANCE, "{took:?}: {fault:?}");
    fault
}

/// Every try of a call.
#[derive(Default)]
struct Tries(Mutex<Vec<(u32, bool)>>);

impl Tries {
    fn note(&self, attempt: CallAttempt) {
        let mut tries = self.0.lock().unwrap();
        tries.push((attempt.number, attempt.script_is_known));
    }

    fn all(&self) -> Vec<(u32, bool)> {
        self.0.lock().unwrap().clone()
    }
}

/// How many connections the server has ever had, those of the fixture apart.
struct Connections<'a> {
    server: &'a RedisServer,
    before: u64,
    asked: u64,
}

impl<'a> Connections<'a> {
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
