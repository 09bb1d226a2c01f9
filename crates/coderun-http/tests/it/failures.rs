//! What a client is told when the service cannot do what it should.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::execution_id;
use coderun_domain::{MockExecutionStore, Quota, StoreError};
use serde_json::json;

use crate::support::backend::Backend;
use crate::support::{Answer, Server};

fn good() -> serde_json::Value {
    json!({"code": "x", "language": "python"})
}

/// What a submission is answered with when the store fails so.
pub(crate) async fn submit_to_failing_store(failure: fn() -> StoreError) -> Answer {
    let mut store = MockExecutionStore::new();
    store.expect_submit().returning(move |_| Err(failure()));
    let backend = Arc::new(Backend::default());
    let server = Server::with_store(backend, Arc::new(store));
    server.submit(&good()).await
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_no_id() {
    let server = Server::start();
    server.backend.break_down(true);
    let answer = server.submit(&good()).await;
    let problem = answer.problem(503);
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(
        problem["detail"],
        "The service is temporarily unavailable, try again later"
    );
    assert!(!answer.text.contains("execution_id"));
    assert!(!answer.text.contains("refused"));
}

#[tokio::test]
async fn a_store_that_is_down_is_never_404() {
    let server = Server::start();
    let id = server.backend.finished();
    server.backend.break_down(true);
    let answer = server.get(&format!("/api/v1/executions/status/{id}")).await;
    answer.problem(503);
    server.get("/api/v1/executions").await.problem(503);
}

#[tokio::test]
async fn a_full_queue_is_503_with_its_time() {
    let retry_after = Duration::from_millis(6_001);
    let answer = submit_to_failing_store(|| StoreError::Full {
        retry_after: Duration::from_millis(6_001),
    })
    .await;
    answer.problem(503);
    assert_eq!(
        answer.header("retry-after"),
        (retry_after.as_secs() + 1).to_string()
    );
}

#[tokio::test]
async fn too_many_submissions_are_429_with_the_policy() {
    let answer = submit_to_failing_store(|| StoreError::QuotaExceeded {
        quota: Quota::SubmitsPerMinute,
        limit: 120,
        retry_after: Duration::from_secs(30),
    })
    .await;
    let problem = answer.problem(429);
    assert_eq!(
        problem["detail"],
        "At most 120 submissions a minute are allowed"
    );
    assert_eq!(answer.header("retry-after"), "30");
    assert_eq!(answer.header("ratelimit-policy"), "\"submits\";q=120;w=60");
    assert_eq!(answer.header("ratelimit"), "\"submits\";r=0;t=30");
}

#[tokio::test]
async fn too_many_waiting_executions_are_429_with_the_policy() {
    let answer = submit_to_failing_store(|| StoreError::QuotaExceeded {
        quota: Quota::Pending,
        limit: 100,
        retry_after: Duration::from_secs(1),
    })
    .await;
    answer.problem(429);
    assert_eq!(answer.header("ratelimit-policy"), "\"pending\";q=100");
    assert_eq!(answer.header("ratelimit"), "\"pending\";r=0;t=1");
}

#[tokio::test]
async fn a_damaged_record_is_our_fault_and_says_nothing_of_it() {
    let answer = submit_to_failing_store(|| StoreError::Corrupt {
        backend: "redis",
        id: execution_id(1),
        source: "secret bytes".into(),
    })
    .await;
    let problem = answer.problem(500);
    assert_eq!(problem["detail"], "Internal server error");
    assert!(!answer.text.contains("secret") && !answer.text.contains("redis"));
}

#[tokio::test]
async fn a_panic_is_a_problem_like_any_other() {
    let server = Server::start();
    let request = server
        .client
        .get(server.url("/api/v1/auth/verify?x=1"))
        .bearer_auth("defect")
        .header("origin", server.url(""));
    let answer = Answer::to(request).await;
    let problem = answer.problem(500);
    assert_eq!(problem["detail"], "Internal server error");
    assert_eq!(problem["instance"], "/api/v1/auth/verify");
    assert!(!answer.text.contains("secret"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("access-control-allow-origin"), server.url(""));
}

#[tokio::test]
async fn after_a_panic_the_server_goes_on() {
    let server = Server::start();
    for _ in 0..5 {
        let request = server
            .client
            .get(server.url("/api/v1/auth/verify"))
            .bearer_auth("defect");
        Answer::to(request).await.problem(500);
        assert_eq!(server.get("/api/v1/auth/verify").await.status, 200);
    }
}
