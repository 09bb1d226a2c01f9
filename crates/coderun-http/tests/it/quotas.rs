//! Checks what answers tell of the quotas of a user.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{execution_id, finished};
use coderun_domain::{MockExecutionStore, Quota, QuotaUsage, StoreError, SubmitReply, Submitted};
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::request::{Answer, Request, valid};

const POLICY: &str = "\"submits\";q=120;w=60, \"pending\";q=100";

fn limits(answer: &Answer) -> [&str; 2] {
    ["ratelimit-policy", "ratelimit"].map(|name| answer.header(name))
}

fn batch(server: &Server, submissions: &Value) -> Request {
    let body = json!({"submissions": submissions});
    server
        .post("/api/v1/executions/batch")
        .body(body.to_string())
}

#[tokio::test]
async fn every_answer_to_a_submission_names_its_quotas() {
    let server = Server::start();
    let submit = || server.submit(&valid());
    let first = "\"submits\";r=119;t=40, \"pending\";r=99";
    assert_eq!(limits(&submit().await), [POLICY, first]);
    server.backend.start(execution_id(1));
    let second = "\"submits\";r=118;t=40, \"pending\";r=99";
    let keyed = || submit().header("idempotency-key", "key");
    assert_eq!(limits(&keyed().await), [POLICY, second]);
    assert_eq!(limits(&keyed().await), [POLICY, second]);
    let later = submit().header("prefer", "respond-async").await;
    assert_eq!(later.status, 202);
    let third = "\"submits\";r=117;t=40, \"pending\";r=98";
    assert_eq!(limits(&later), [POLICY, third]);
    // Without an answer of the store nobody knows what is left.
    let without_store = [
        (server.submit(&json!({"code": 1})).await, 422),
        (submit().header("idempotency-key", "").await, 422),
        (server.submit_text("text/plain", "x").await, 415),
        (server.submit_text("application/json", "{").await, 400),
        (
            server
                .post("/api/v1/executions/execute?dry_run=1")
                .body(valid().to_string())
                .await,
            200,
        ),
        (batch(&server, &json!(5)).await, 422),
    ];
    for (answer, status) in without_store {
        assert_eq!((answer.status, limits(&answer)), (status, [POLICY, ""]));
    }
    server.backend.break_down(true);
    let down = submit().await;
    assert_eq!((down.status, limits(&down)), (503, [POLICY, ""]));
    assert_eq!(limits(&submit().anonymous().await), ["", ""]);
    assert_eq!(limits(&server.get("/api/v1/auth/verify").await), ["", ""]);
}

#[tokio::test]
async fn a_batch_names_what_is_left_after_its_last_submission() {
    let server = Server::start();
    let answer = batch(&server, &json!([valid(), valid(), {"code": ""}])).await;
    let left = "\"submits\";r=118;t=40, \"pending\";r=98";
    assert_eq!(limits(&answer), [POLICY, left]);
}

#[tokio::test]
async fn a_batch_names_a_quota_that_is_used_up_within_it() {
    let mut store = MockExecutionStore::new();
    let mut left = 2;
    store.expect_submit().returning(move |_, _| {
        if left == 0 {
            return Err(StoreError::QuotaExceeded {
                quota: Quota::SubmitsPerMinute,
                limit: 120,
                retry_after: Duration::from_millis(6_500),
            });
        }
        left -= 1;
        Ok(SubmitReply {
            submitted: Submitted::Accepted,
            usage: QuotaUsage {
                submits: 120 - left,
                submits_reset: Duration::from_secs(8),
                pending: 5,
            },
        })
    });
    let server = Server::with_store(Arc::new(store));
    let answer = batch(&server, &json!([valid(), valid(), valid()])).await;
    let statuses = answer.json()["executions"].clone();
    assert_eq!(statuses[1]["status"], "pending");
    assert_eq!(statuses[2]["status"], 429);
    let used_up = "\"submits\";r=0;t=7, \"pending\";r=95";
    assert_eq!(limits(&answer), [POLICY, used_up]);
    // The next one is refused before its body is read.
    let refused = server.submit_text("text/plain", "x").await;
    assert_eq!(refused.status, 429);
    assert_eq!(limits(&refused), [POLICY, "\"submits\";r=0;t=7"]);
}

#[tokio::test]
async fn a_429_names_the_quota_that_is_used_up_on_routes_without_quotas_of_submissions() {
    let server = Server::with(|config| config.sockets.per_user_max = 1);
    let id = server.backend.pending();
    let mut socket = server.watch(id).await;
    socket.next().await;
    server.tickets.fill();
    let route = |name: &str| format!("/api/v1/executions/{name}/{id}");
    let sockets = ["5", "\"sockets\";q=1", "\"sockets\";r=0"];
    let tickets = ["7", "\"tickets\";q=16", "\"tickets\";r=0;t=7"];
    for (request, expected) in [
        (server.get(&(route("status") + "?wait=1")), sockets),
        (server.get(&route("events")), sockets),
        (server.post(&route("ticket")), tickets),
    ] {
        let answer = request.await;
        answer.problem(429);
        let [policy, left] = limits(&answer);
        assert_eq!([answer.header("retry-after"), policy, left], expected);
    }
}

/// The policies of a user, by name.
async fn policies(server: &Server, token: &'static str) -> Value {
    let answer = server.get("/api/v1/usage").token(token).await;
    assert_eq!(answer.status, 200);
    let policies = answer.json()["policies"].clone();
    let by_name = policies.as_array().unwrap().iter().map(|policy| {
        let name = policy["name"].as_str().unwrap().to_owned();
        let of = |field: &str| policy[field].clone();
        (
            name,
            json!([of("limit"), of("remaining"), of("reset_seconds")]),
        )
    });
    Value::Object(by_name.collect())
}

#[tokio::test]
async fn usage_is_what_the_caller_may_still_do() {
    let server = Server::start();
    let quarter = 64 << 20;
    let unused = json!({
        "submits": [120, 120, 0], "pending": [100, 100, null], "running": [8, 8, null],
        "live_bytes": [3 * quarter, 3 * quarter, null], "sockets": [50, 50, null],
    });
    assert_eq!(policies(&server, "alice").await, unused);
    for number in 1..=3 {
        server.backend.add(execution_id(number), "alice", 0);
    }
    server.backend.start(execution_id(2));
    server.backend.start(execution_id(3));
    server.backend.finish(execution_id(3), finished());
    let mut socket = server.watch(execution_id(1)).await;
    socket.next().await;
    let of_alice = policies(&server, "alice").await;
    let share = quarter;
    assert_eq!(
        of_alice,
        json!({
            "submits": [120, 118, 40], "pending": [100, 99, null], "running": [8, 7, null],
            "live_bytes": [share, share - 2000, null], "sockets": [50, 49, null],
        })
    );
    drop(socket);
    let of_bob = policies(&server, "bob").await;
    assert_eq!(of_bob["submits"], json!([120, 120, 0]));
    assert_eq!(of_bob["running"], json!([8, 8, null]));
    server.get("/api/v1/usage").anonymous().await.problem(401);
    server.backend.break_down(true);
    server.get("/api/v1/usage").await.problem(503);
}
