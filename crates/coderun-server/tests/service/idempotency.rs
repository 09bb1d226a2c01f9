//! Tests that a submission with a key is run once, however often and wherever it is sent.

use std::collections::HashSet;

use coderun_redis_fixture::RedisServer;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Launch, Service};

const KEYS: usize = 60;
const REPLICAS: usize = 3;
const AT_A_TIME: usize = 16;

fn program(number: usize) -> Value {
    json!({"code": format!("echo {number}"), "language": "bash"})
}

async fn submit(service: &Service, token: &str, key: usize, body: &Value) -> Response {
    let request = service.post("/api/v1/executions/execute", token).json(body);
    let request = request.header("Idempotency-Key", format!("key-{key}"));
    request.send().await.expect("an answer")
}

/// Sends a submission to all replicas at once and returns the ids that they answer.
async fn submit_to_all(replicas: &[Service], token: &str, key: usize) -> HashSet<String> {
    let body = program(key);
    let answers = replicas.iter().map(|it| submit(it, token, key, &body));
    let mut ids = HashSet::new();
    for answer in join_all(answers).await {
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.expect("JSON");
        ids.insert(body["execution_id"].as_str().expect("an id").to_owned());
    }
    ids
}

/// The number of executions of a user.
async fn count(service: &Service, token: &str) -> usize {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let path = format!("/api/v1/executions?limit=100{cursor}");
        let page = service.read(&path, token).await;
        count += page["executions"].as_array().expect("a list").len();
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return count,
        }
    }
}

/// The quota of the user allows each submission once.
#[tokio::test]
async fn each_key_is_one_execution_on_all_replicas() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url())
        .with("USER_SUBMITS_PER_MINUTE", &KEYS.to_string())
        .with("USER_PENDING_MAX", &KEYS.to_string());
    let _worker = launch.role("worker").start();
    let replicas: Vec<_> = (0..REPLICAS).map(|_| launch.role("api").start()).collect();
    for replica in &replicas {
        replica.until_readiness_is(StatusCode::OK).await;
    }
    let token = launch.token("alice");
    let submitted = (0..KEYS).map(|key| submit_to_all(&replicas, &token, key));
    let submitted: Vec<_> = stream::iter(submitted).buffered(AT_A_TIME).collect().await;
    assert!(submitted.iter().all(|ids| ids.len() == 1), "{submitted:?}");
    let ids: HashSet<_> = submitted.into_iter().flatten().collect();
    assert_eq!(ids.len(), KEYS);
    assert_eq!(count(&replicas[0], &token).await, KEYS);
    let other = submit(&replicas[1], &token, 0, &program(1)).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
