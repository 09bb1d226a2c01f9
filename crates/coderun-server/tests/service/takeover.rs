//! Tests that another process takes over the executions of a killed one.

use std::time::Duration;

use coderun_redis_fixture::RedisServer;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{EventLog, Launch, Service, Socket, find_runner};

/// The longest time from the death of a process to the next attempt.
const TAKEOVER: Duration = Duration::from_secs(15);
const RUN_TIME: Duration = Duration::from_secs(3);
const PROGRAM: &str =
    "import time\nfor number in range(6):\n    print(number, flush=True)\n    time.sleep(0.5)";
const OUTPUT: &str = "0\n1\n2\n3\n4\n5\n";
const MARKER: &str = "takeover-marker";

/// Two processes over one Redis, one of which runs an execution.
struct Deployment {
    runner: Service,
    other: Service,
    token: String,
    id: String,
    _redis: RedisServer,
}

impl Deployment {
    async fn start() -> Self {
        let redis = RedisServer::start();
        let launch = Launch::on(&redis.url());
        let (first, second) = (launch.start(), launch.start());
        let token = launch.token("alice");
        let body = json!({"code": PROGRAM, "language": "python", "args": [MARKER]});
        let id = first.submit(&token, &body).await;
        let (runner, other) = find_runner(MARKER, first, second).await;
        Self {
            runner,
            other,
            token,
            id,
            _redis: redis,
        }
    }
}

/// Reads events until there is output.
async fn until_output(events: &mut EventLog, socket: &mut Socket) {
    while events.output_by_attempt().is_empty() {
        events.push(socket.next().await.expect("an open socket"));
    }
}

fn assert_was_run_again(record: &Value, events: &EventLog) {
    assert_eq!(record["verdict"], "accepted", "{record}");
    assert_eq!(record["attempts"], 2, "{record}");
    assert_eq!(record["output"], OUTPUT, "of the last attempt alone");
    assert!(events.is_gap_free(), "{:?}", events.numbers());
    assert!(events.has_attempts_in_order(), "{events:?}");
    assert_eq!(events.output_by_attempt()[&2], OUTPUT);
    assert_eq!(events.last_update()["output"], OUTPUT);
}

#[tokio::test]
async fn another_process_takes_over_within_fifteen_seconds() {
    let deployment = Deployment::start().await;
    let mut events = EventLog::default();
    let (other, token, id) = (&deployment.other, &deployment.token, &deployment.id);
    let mut socket = other.watch_since(token, id, 0).await;
    until_output(&mut events, &mut socket).await;
    deployment.runner.kill();
    let killed = Instant::now();
    assert_eq!(events.read_until_closed(socket).await, 1000);
    let took = killed.elapsed();
    assert!(took < TAKEOVER + RUN_TIME, "{took:?}");
    assert_was_run_again(&other.status(token, id).await, &events);
}

#[tokio::test]
async fn a_watcher_of_a_killed_process_resumes_on_another_one() {
    let deployment = Deployment::start().await;
    let mut events = EventLog::default();
    let (other, token, id) = (&deployment.other, &deployment.token, &deployment.id);
    let mut socket = deployment.runner.watch_since(token, id, 0).await;
    until_output(&mut events, &mut socket).await;
    deployment.runner.kill();
    assert_eq!(
        events.read_until_closed(socket).await,
        1006,
        "a killed process sends no close frame"
    );
    let socket = other.watch_since(token, id, events.last_sequence()).await;
    assert_eq!(events.read_until_closed(socket).await, 1000);
    assert_was_run_again(&other.status(token, id).await, &events);
}
