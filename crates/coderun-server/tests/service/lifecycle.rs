//! Tests readiness, shutdown and kills.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{DEADLINE, Service, descendants, is_alive};

#[tokio::test]
async fn a_running_execution_finishes_before_the_service_ends() {
    let mut service = Service::start();
    let token = service.token("alice");
    let body = json!({"code": "import time; print('a', flush=True); time.sleep(2); print('b')", "language": "python"});
    let id = service.submit(&token, &body).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    service.signal("TERM");
    let (messages, close) = socket.until_closed().await;
    assert_eq!(close, 1000);
    assert_eq!(messages.last().unwrap()["data"]["output"], "a\nb\n");
    assert_eq!(service.ended().await, Some(0));
}

#[tokio::test]
async fn a_draining_service_is_not_ready_and_accepts_nothing() {
    let mut service = Service::start();
    let token = service.token("alice");
    let sleeper = json!({"code": "import time; time.sleep(5)", "language": "python"});
    let id = service.submit(&token, &sleeper).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    service.signal("TERM");
    let deadline = tokio::time::Instant::now() + DEADLINE;
    let mut ready = StatusCode::OK;
    while ready == StatusCode::OK {
        assert!(tokio::time::Instant::now() < deadline, "it stays ready");
        let request = service.client.get(service.url("/health/ready"));
        ready = request.send().await.unwrap().status();
    }
    assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);
    let refused = service.try_submit(&token, &sleeper).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    service.signal("TERM");
    assert_eq!(
        service.ended().await,
        Some(0),
        "a second signal ends the wait"
    );
}

#[tokio::test]
async fn readiness_names_its_checks() {
    let service = Service::start();
    let answer = service
        .client
        .get(service.url("/health/ready"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let ready: Value = answer.json().await.unwrap();
    assert_eq!(ready["status"], "ready");
    for name in ["store", "queue", "runner", "keys"] {
        assert_ne!(ready["checks"][name]["status"], "failing", "{ready}");
        assert!(ready["checks"][name]["status"].is_string(), "{ready}");
    }
}

#[tokio::test]
async fn killing_the_service_kills_every_program() {
    let mut service = Service::start();
    let token = service.token("alice");
    let body = json!({
        "code": "import subprocess, time\nsubprocess.Popen(['sleep', '50'])\nprint('up', flush=True)\ntime.sleep(50)",
        "language": "python",
        "limits": {"wall_time_ms": 60_000},
    });
    let id = service.submit(&token, &body).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    let deadline = tokio::time::Instant::now() + DEADLINE;
    let mut below = descendants(service.id());
    // The launcher, the init of the sandbox, the program and its child.
    while below.len() < 4 {
        assert!(tokio::time::Instant::now() < deadline, "{below:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        below = descendants(service.id());
    }
    service.signal("KILL");
    assert_eq!(service.ended().await, None);
    while below.iter().any(|id| is_alive(*id)) {
        assert!(tokio::time::Instant::now() < deadline, "{below:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
