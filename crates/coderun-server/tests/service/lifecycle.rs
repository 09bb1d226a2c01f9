//! Tests readiness, shutdown and kills.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Service, descendants, eventually, until_ended};

#[tokio::test]
async fn a_running_execution_finishes_before_the_service_ends() {
    let (mut service, token) = Service::with_user();
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
    let (mut service, token) = Service::with_user();
    let sleeper = json!({"code": "import time; time.sleep(5)", "language": "python"});
    let id = service.submit(&token, &sleeper).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    service.signal("TERM");
    service
        .until_readiness_is(StatusCode::SERVICE_UNAVAILABLE)
        .await;
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
    let (status, ready) = service.readiness().await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ready["status"], "ready");
    for name in ["store", "queue", "runner", "keys"] {
        assert_ne!(ready["checks"][name]["status"], "failing", "{ready}");
        assert!(ready["checks"][name]["status"].is_string(), "{ready}");
    }
}

#[tokio::test]
async fn killing_the_service_kills_every_program() {
    let (mut service, token) = Service::with_user();
    let body = json!({
        "code": "import subprocess, time\nsubprocess.Popen(['sleep', '50'])\nprint('up', flush=True)\ntime.sleep(50)",
        "language": "python",
        "limits": {"wall_time_ms": 60_000},
    });
    let id = service.submit(&token, &body).await;
    let mut socket = service.watch(&token, &id).await;
    socket.until_running().await;
    // The launcher, the init of the sandbox, the program and its child.
    let below = eventually("all processes run", || async {
        let below = descendants(service.id());
        (below.len() >= 4).then_some(below)
    })
    .await;
    service.signal("KILL");
    assert_eq!(service.ended().await, None);
    until_ended(&below).await;
}
