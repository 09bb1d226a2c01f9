//! Tests that a user with many executions does not delay other users for long.

use std::time::Duration;

use coderun_redis_fixture::RedisServer;
use futures_util::{StreamExt as _, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{Launch, Service};

const MANY: usize = 1_000;
const FEW: usize = 10;
const AT_A_TIME: usize = 32;
/// Every second turn belongs to the other user, and the first waits for a running program: a little more than twice.
const TIMES_LONGER_MAX: u32 = 3;

/// A program whose duration hardly depends on the load of the machine.
fn program() -> Value {
    json!({"code": "sleep 0.2", "language": "bash"})
}

async fn submit(service: &Service, token: &str, count: usize) -> Vec<String> {
    let body = program();
    let submissions = (0..count).map(|_| service.submit(token, &body));
    let ids = stream::iter(submissions).buffered(AT_A_TIME);
    ids.collect().await
}

fn time(text: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(text.as_str().expect("a time"), &Rfc3339).expect("a time")
}

/// The time from acceptance to the start of the run.
async fn wait(service: &Service, token: &str, id: &str) -> Duration {
    let (messages, close) = service.watch_since(token, id, 0).await.until_closed().await;
    assert_eq!(close, 1000, "{messages:?}");
    let record = service.status(token, id).await;
    let runs = |message: &&Value| message["data"]["status"] == "running";
    let running = messages.iter().find(runs).expect("it ran");
    let waited = time(&running["data"]["updated_at"]) - time(&record["created_at"]);
    waited.unsigned_abs()
}

/// The median wait of a few executions that are submitted together.
async fn median_wait(service: &Service, token: &str) -> Duration {
    let ids = submit(service, token, FEW).await;
    let waits = ids.iter().map(|id| wait(service, token, id));
    let mut waits: Vec<_> = stream::iter(waits).buffered(FEW).collect().await;
    waits.sort();
    waits[FEW / 2]
}

/// One program at a time, so that a wait is a number of turns.
#[tokio::test]
async fn a_thousand_executions_of_another_user_at_most_triple_the_wait() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url())
        .with("USER_SUBMITS_PER_MINUTE", "0")
        .with("USER_PENDING_MAX", "2000")
        .with("WORKER_CONCURRENCY", "1");
    let _worker = launch.role("worker").start();
    let api = launch.role("api").start();
    api.until_readiness_is(StatusCode::OK).await;
    let (many, few) = (launch.token("many"), launch.token("few"));
    let alone = median_wait(&api, &few).await;
    submit(&api, &many, MANY).await;
    let beside = median_wait(&api, &few).await;
    assert!(
        beside <= alone * TIMES_LONGER_MAX,
        "{beside:?} beside {MANY} of another user, {alone:?} alone"
    );
}
