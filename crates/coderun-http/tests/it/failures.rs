//! Checks the answers of a server whose backend fails.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::execution_id;
use coderun_domain::{MockExecutionStore, Quota, StoreError};
use rstest::rstest;

use crate::support::request::valid;
use crate::support::{Answer, Server};

/// Submits to a server whose store fails like this.
pub(crate) async fn submit_to_failing_store(failure: fn() -> StoreError) -> Answer {
    let mut store = MockExecutionStore::new();
    store.expect_submit().returning(move |_, _| Err(failure()));
    let server = Server::with_store(Arc::new(store));
    server.submit(&valid()).await
}

pub(crate) const fn full() -> StoreError {
    let retry_after = Duration::from_millis(6_001);
    StoreError::Full { retry_after }
}

pub(crate) fn corrupt() -> StoreError {
    StoreError::Corrupt {
        backend: "redis",
        id: execution_id(1),
        source: "secret bytes".into(),
    }
}

pub(crate) fn unavailable() -> StoreError {
    StoreError::Unavailable {
        backend: "redis",
        source: "connection refused".into(),
    }
}

#[tokio::test]
async fn an_unreachable_store_is_503_and_no_id() {
    let server = Server::start();
    server.backend.break_down(true);
    let answer = server.submit(&valid()).await;
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
async fn an_unreachable_store_is_never_404() {
    let (server, id) = Server::finished();
    server.backend.break_down(true);
    for request in [
        server.status(id),
        server.events(id, ""),
        server.get("/api/v1/executions"),
        server.delete("/api/v1/executions"),
        server.delete(&format!("/api/v1/executions/{id}")),
    ] {
        request.await.problem(503);
    }
    server.backend.break_down(false);
    assert_eq!(server.events(id, "?since=3").await.status, 204);
}

#[tokio::test]
async fn a_full_queue_is_503_with_the_time_to_wait() {
    let answer = submit_to_failing_store(full).await;
    answer.problem(503);
    assert_eq!(answer.header("retry-after"), "7");
}

const fn too_fast() -> StoreError {
    StoreError::QuotaExceeded {
        quota: Quota::SubmitsPerMinute,
        limit: 120,
        retry_after: Duration::from_secs(30),
    }
}

const fn too_many_waiting() -> StoreError {
    StoreError::QuotaExceeded {
        quota: Quota::Pending,
        limit: 100,
        retry_after: Duration::from_secs(1),
    }
}

const fn holds_the_share() -> StoreError {
    StoreError::QuotaExceeded {
        quota: Quota::Share,
        limit: 3,
        retry_after: Duration::from_secs(2),
    }
}

#[rstest]
#[case(holds_the_share, "The service is busy and your executions take up your share of it, try again when one has ended", ["2", "\"submits\";q=120;w=60, \"pending\";q=100, \"share\";q=3", "\"share\";r=0"])]
#[case(too_fast, "At most 120 submissions a minute are allowed", ["30", "\"submits\";q=120;w=60, \"pending\";q=100", "\"submits\";r=0;t=30"])]
#[case(too_many_waiting, "At most 100 of your executions may wait at a time", ["1", "\"submits\";q=120;w=60, \"pending\";q=100", "\"pending\";r=0"])]
#[tokio::test]
async fn an_exceeded_quota_is_429_with_its_policy(
    #[case] failure: fn() -> StoreError,
    #[case] detail: &str,
    #[case] headers: [&str; 3],
) {
    let answer = submit_to_failing_store(failure).await;
    assert_eq!(answer.problem(429)["detail"], detail);
    let names = ["retry-after", "ratelimit-policy", "ratelimit"];
    assert_eq!(names.map(|name| answer.header(name)), headers);
}

#[tokio::test]
async fn a_corrupt_record_is_a_500_without_details() {
    let answer = submit_to_failing_store(corrupt).await;
    let problem = answer.problem(500);
    assert_eq!(problem["detail"], "Internal server error");
    assert!(!answer.text.contains("secret") && !answer.text.contains("redis"));
}

#[tokio::test]
async fn a_panic_is_a_problem_like_any_other() {
    let server = Server::start();
    let request = server.get("/api/v1/auth/verify?x=1").token("defect");
    let answer = request.header("origin", server.url("")).await;
    let problem = answer.problem(500);
    assert_eq!(problem["detail"], "Internal server error");
    assert_eq!(problem["instance"], "/api/v1/auth/verify");
    assert!(!answer.text.contains("secret"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("access-control-allow-origin"), server.url(""));
}

#[tokio::test]
async fn a_server_survives_panics() {
    let server = Server::start();
    for _ in 0..5 {
        let request = server.get("/api/v1/auth/verify");
        request.token("defect").await.problem(500);
        assert_eq!(server.get("/api/v1/auth/verify").await.status, 200);
    }
}
