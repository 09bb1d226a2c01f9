//! Tests the roles with one storage in memory, as separate processes would share Redis.

mod empty_queue;
mod support;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use support::{Deployment, until};

#[tokio::test]
async fn an_api_without_workers_refuses_submissions_and_is_not_ready() {
    let deployment = Deployment::new().await;
    let api = deployment.api();
    assert_eq!(api.try_submit().await.status(), 503);
    let ready = api.get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    let checks = ready.json::<serde_json::Value>().await.unwrap()["checks"].take();
    assert_eq!(checks["runner"]["status"], "failing");
    assert_eq!(checks["runner"]["reason"], "no worker is available");
    api.stop().await;
}

#[tokio::test]
async fn an_api_finds_a_worker_that_starts_later() {
    let deployment = Deployment::new().await;
    let api = deployment.api();
    assert_eq!(api.get("/api/v1/languages").await.status(), 503);
    let worker = deployment.worker();
    until(async || api.get("/api/v1/languages").await.status() == 200).await;
    worker.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn a_submission_waits_for_the_next_worker() {
    let deployment = Deployment::new().await;
    let (first, api) = deployment.worker_and_api().await;
    first.stop().await;
    until(async || api.get("/health/ready").await.status() == 503).await;
    let id = api.submit().await;
    assert_eq!(api.status(&id).await, "pending");
    let capabilities = api.read("/api/v1/capabilities").await;
    assert_eq!(capabilities, json!({"runners": [], "sign_in": null}));
    let second = deployment.worker();
    until(async || api.status(&id).await == "completed").await;
    second.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn a_worker_serves_health_checks_only() {
    let deployment = Deployment::new().await;
    let worker = deployment.worker();
    until(async || worker.get("/health/ready").await.status() == 200).await;
    assert_eq!(worker.get("/health/").await.status(), 200);
    assert_eq!(worker.get("/api/v1/languages").await.status(), 404);
    let ready = worker.read("/health/ready").await;
    let checks = ready["checks"].as_object().unwrap();
    let names: Vec<_> = checks.keys().collect();
    assert_eq!(names, ["queue", "runner", "store"]);
    assert_eq!(checks["store"]["status"], "degraded");
    worker.stop().await;
}

#[tokio::test]
async fn a_process_with_both_roles_finds_other_workers_too() {
    let deployment = Deployment::new().await;
    let (all, worker) = (deployment.all(), deployment.worker());
    until(async || {
        let capabilities = all.read("/api/v1/capabilities").await;
        capabilities["runners"][0]["workers"] == 2
    })
    .await;
    worker.stop().await;
    all.stop().await;
}

/// The worker of the same process runs it under the lease that came with the submission.
#[tokio::test]
async fn an_idle_process_runs_a_submission_without_a_take() {
    let mut deployment = Deployment::new().await;
    let queue = deployment.with_empty_queue();
    let all = deployment.all();
    queue.is_idle.notified().await;
    let id = all.submit().await;
    until(async || all.status(&id).await == "completed").await;
    all.stop().await;
}

#[tokio::test]
async fn queue_deadlines_hold_without_workers() {
    let deployment = Deployment::with(&[("QUEUE_DEADLINE", "1")]).await;
    let (worker, api) = deployment.worker_and_api().await;
    worker.stop().await;
    let id = api.submit().await;
    until(async || api.status(&id).await == "error").await;
    api.stop().await;
}

#[tokio::test]
async fn an_execution_without_a_worker_ends_soon_and_says_so() {
    let deployment = Deployment::with(&[("NO_WORKER_SECONDS", "1")]).await;
    let (worker, api) = deployment.worker_and_api().await;
    worker.stop().await;
    let id = api.submit().await;
    until(async || api.status(&id).await == "error").await;
    let path = format!("/api/v1/executions/status/{id}");
    let record = api.read(&path).await;
    assert_eq!(record["verdict"], "internal_error");
    let reason = record["error_output"].as_str().unwrap();
    assert!(reason.contains("No worker"), "{reason}");
    api.stop().await;
}

#[tokio::test]
async fn an_api_that_stops_closes_its_sockets_with_1012() {
    let deployment = Deployment::new().await;
    let (worker, api) = deployment.worker_and_api().await;
    worker.stop().await;
    let id = api.submit().await;
    let mut watcher = api.watch(&id).await;
    let ending = async { api.stop().await };
    let watching = async {
        while let Some(message) = watcher.next().await {
            if let Message::Close(frame) = message.unwrap() {
                assert_eq!(u16::from(frame.unwrap().code), 1012);
                return;
            }
        }
        panic!("the connection ended without a close frame");
    };
    tokio::join!(ending, watching);
}
