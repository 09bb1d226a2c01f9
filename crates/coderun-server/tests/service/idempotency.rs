//! Tests that a submission with a key is run once, however often and wherever it is sent, and that batches keep to quotas.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use coderun_redis_fixture::RedisServer;
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::metrics::{metrics, value};
use crate::support::{Launch, Service, within};

/// The number of keys, unless this variable has another one.
const KEYS: u32 = 60;
const KEYS_VARIABLE: &str = "CODERUN_IDEMPOTENCY_KEYS";
const REPLICAS: usize = 3;
const AT_A_TIME: usize = 16;

fn program(number: u32) -> Value {
    json!({"code": format!("echo {number}"), "language": "bash"})
}

async fn submit(service: &Service, token: &str, key: u32, body: &Value) -> Response {
    let request = service.post("/api/v1/executions/execute", token).json(body);
    let request = request.header("Idempotency-Key", format!("key-{key}"));
    request.send().await.expect("an answer")
}

/// Sends a submission to all replicas at once and returns the ids that they answer.
async fn submit_to_all(replicas: &[Service], token: &str, key: u32) -> HashSet<String> {
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

async fn start_replicas(launch: &Launch, number: usize) -> Vec<Service> {
    let replicas: Vec<_> = (0..number).map(|_| launch.role("api").start()).collect();
    for replica in &replicas {
        replica.until_readiness_is(StatusCode::OK).await;
    }
    replicas
}

/// Waits until nothing of the user waits or runs any more.
async fn until_all_have_ended(service: &Service, token: &str, number: u32) {
    // A run takes some ten milliseconds, more on a busy machine.
    let longest = Duration::from_secs(30) + Duration::from_millis(200) * number;
    within(longest, "all runs have ended", || async {
        let usage = service.read("/api/v1/usage", token).await;
        let policies = usage["policies"].as_array().expect("a list");
        let is_idle = policies
            .iter()
            .filter(|it| it["name"] == "pending" || it["name"] == "running")
            .all(|it| it["remaining"] == it["limit"]);
        is_idle.then_some(())
    })
    .await;
}

/// The answer to a batch of the programs with these numbers, and its `RateLimit`.
async fn submit_batch(
    service: &Service,
    token: &str,
    key: Option<&str>,
    numbers: Range<u32>,
) -> (Vec<Value>, String) {
    let body = json!({"submissions": numbers.map(program).collect::<Vec<_>>()});
    let mut request = service.post("/api/v1/executions/batch", token).json(&body);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let answer = request.send().await.expect("an answer");
    let left = answer.headers()["ratelimit"]
        .to_str()
        .expect("text")
        .to_owned();
    let mut body: Value = answer.json().await.expect("JSON");
    let executions = body["executions"].take();
    (executions.as_array().expect("a list").clone(), left)
}

/// Each submission counts by itself; what was refused is submitted by a repetition under the same key.
#[tokio::test]
async fn batches_on_two_replicas_at_once_keep_to_the_quota_and_their_keys() {
    const QUOTA: usize = 30;
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url()).with("USER_SUBMITS_PER_MINUTE", &QUOTA.to_string());
    let _worker = launch.role("worker").start();
    let replicas = start_replicas(&launch, 2).await;
    let token = launch.token("alice");
    let batches = [(0, "a"), (1, "b"), (0, "b"), (1, "a")];
    let answers = join_all(
        batches.map(|(replica, key)| submit_batch(&replicas[replica], &token, Some(key), 0..20)),
    );
    let answers = answers.await;
    let accepted: Vec<HashSet<_>> = answers
        .iter()
        .map(|(executions, _)| {
            let ids = executions
                .iter()
                .filter_map(|it| it["execution_id"].as_str());
            ids.collect()
        })
        .collect();
    let all: HashSet<_> = accepted.iter().flatten().collect();
    assert_eq!(all.len(), QUOTA);
    for (executions, _) in &answers {
        for refused in executions
            .iter()
            .filter(|it| it.get("execution_id").is_none())
        {
            assert_eq!(refused["status"], 429, "{refused}");
        }
    }
    // No submission has two executions, though two replicas have got it.
    for [one, other] in [[0, 3], [1, 2]] {
        for (one, other) in answers[one].0.iter().zip(&answers[other].0) {
            let both = [one, other].map(|it| it["execution_id"].as_str());
            assert!(both.contains(&None) || both[0] == both[1], "{both:?}");
        }
    }
    assert!(
        answers
            .iter()
            .any(|(_, left)| left.starts_with("\"submits\";r=0;t=")),
        "{answers:?}"
    );
    assert_eq!(count(&replicas[0], &token).await, QUOTA);
    let bob = launch.token("bob");
    let (executions, left) = submit_batch(&replicas[0], &bob, None, 0..20).await;
    assert!(executions.iter().all(|it| it["status"] == "pending"));
    assert!(left.starts_with("\"submits\";r=10;t="), "{left}");
    let usage = replicas[1].read("/api/v1/usage", &bob).await;
    assert_eq!(usage["policies"][0]["name"], "submits");
    assert_eq!(usage["policies"][0]["remaining"], 10);
}

/// The quota of the user allows each submission once.
#[tokio::test]
async fn each_key_is_one_execution_on_all_replicas() {
    let keys = std::env::var_os(KEYS_VARIABLE).map(|keys| keys.into_string().expect("text"));
    let keys: u32 = keys.map_or(KEYS, |keys| keys.parse().expect("a number"));
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url())
        .with("USER_SUBMITS_PER_MINUTE", &keys.to_string())
        .with("USER_PENDING_MAX", &keys.to_string())
        .with("USER_RUNNING_MAX", "8");
    let worker = launch
        .role("worker")
        .with("ADMIN_ADDR", "127.0.0.1:0")
        .start();
    let replicas = start_replicas(&launch, REPLICAS).await;
    let token = launch.token("alice");
    let submitted = (0..keys).map(|key| submit_to_all(&replicas, &token, key));
    let submitted: Vec<_> = stream::iter(submitted).buffered(AT_A_TIME).collect().await;
    assert!(submitted.iter().all(|ids| ids.len() == 1), "{submitted:?}");
    let ids: HashSet<_> = submitted.into_iter().flatten().collect();
    assert_eq!(ids.len(), keys as usize);
    assert_eq!(count(&replicas[0], &token).await, keys as usize);
    let runs = "coderun_runs_total{language=\"bash\",runner=\"sandbox\",verdict=\"accepted\"}";
    until_all_have_ended(&replicas[0], &token, keys).await;
    let counted = value(&metrics(&worker).await, runs);
    assert_eq!(counted, Some(f64::from(keys)));
    let other = submit(&replicas[1], &token, 0, &program(1)).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
