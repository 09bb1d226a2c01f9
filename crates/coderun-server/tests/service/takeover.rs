//! A process dies while it runs somebody's program, and another one takes it over.

use std::time::Duration;

use coderun_redis_fixture::RedisServer;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Launch, Service, Socket, Story, whoever_runs};

/// What the contract allows from the death of a process to the next attempt.
const TAKEOVER: Duration = Duration::from_secs(15);
const RUN_TIME: Duration = Duration::from_secs(3);
const PROGRAM: &str =
    "import time\nfor number in range(6):\n    print(number, flush=True)\n    time.sleep(0.5)";
const OUTPUT: &str = "0\n1\n2\n3\n4\n5\n";
const MARKER: &str = "takeover-marker";

/// Two processes over one Redis, and an execution that one of them runs.
struct Scene {
    runs_it: Service,
    other: Service,
    token: String,
    id: String,
    _redis: RedisServer,
}

impl Scene {
    async fn set() -> Self {
        let redis = RedisServer::start();
        let launch = Launch::on(&redis.url());
        let (first, second) = (launch.start(), launch.start());
        let token = launch.token("alice");
        let body = json!({"code": PROGRAM, "language": "python", "args": [MARKER]});
        let id = first.submit(&token, &body).await;
        let (runs_it, other) = whoever_runs(MARKER, first, second).await;
        Self {
            runs_it,
            other,
            token,
            id,
            _redis: redis,
        }
    }
}

/// Follows the story until something was written.
async fn until_output(story: &mut Story, socket: &mut Socket) {
    while story.output_by_attempt().is_empty() {
        story.push(socket.next().await.expect("an open socket"));
    }
}

fn assert_was_run_again(record: &Value, story: &Story) {
    assert_eq!(record["verdict"], "accepted", "{record}");
    assert_eq!(record["attempts"], 2, "{record}");
    assert_eq!(record["output"], OUTPUT, "of the last attempt alone");
    assert!(story.is_gap_free(), "{:?}", story.numbers());
    assert!(story.is_told_attempt_by_attempt(), "{story:?}");
    assert_eq!(story.output_by_attempt()[&2], OUTPUT);
    assert_eq!(story.last_update()["output"], OUTPUT);
}

#[tokio::test]
async fn what_a_killed_process_ran_ends_on_another_within_fifteen_seconds() {
    let scene = Scene::set().await;
    let mut story = Story::default();
    let (other, token, id) = (&scene.other, &scene.token, &scene.id);
    let mut socket = other.watch_since(token, id, 0).await;
    until_output(&mut story, &mut socket).await;
    scene.runs_it.kill();
    let killed = Instant::now();
    assert_eq!(story.follow(socket).await, 1000);
    let took = killed.elapsed();
    assert!(took < TAKEOVER + RUN_TIME, "{took:?}");
    assert_was_run_again(&other.status(token, id).await, &story);
}

#[tokio::test]
async fn a_watcher_of_a_killed_process_goes_on_elsewhere_and_misses_nothing() {
    let scene = Scene::set().await;
    let mut story = Story::default();
    let (other, token, id) = (&scene.other, &scene.token, &scene.id);
    let mut socket = scene.runs_it.watch_since(token, id, 0).await;
    until_output(&mut story, &mut socket).await;
    scene.runs_it.kill();
    assert_eq!(
        story.follow(socket).await,
        1006,
        "nobody was left to close it"
    );
    let socket = other.watch_since(token, id, story.last_number()).await;
    assert_eq!(story.follow(socket).await, 1000);
    assert_was_run_again(&other.status(token, id).await, &story);
}
