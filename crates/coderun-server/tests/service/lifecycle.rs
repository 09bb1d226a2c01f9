//! Tests readiness, shutdown and kills.

use std::fs;
use std::future::ready;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::process::Command;

use crate::support::{Launch, Service, descendants, eventually, until_ended};

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
async fn a_service_that_is_to_end_while_it_looks_for_tools_ends_at_once_with_them() {
    let tools = tempfile::tempdir().unwrap();
    let (tool, asked) = (tools.path().join("python3"), tools.path().join("asked"));
    let script = format!(
        "#!/bin/sh\n/bin/sleep 100 &\necho $! >{0}.new\n/bin/mv {0}.new {0}\nwait\n",
        asked.display()
    );
    fs::write(&tool, script).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let launch = Launch::new().with("TOOLCHAIN_PATH", tools.path().to_str().unwrap());
    let mut command = Command::from(launch.command());
    let mut service = command.kill_on_drop(true).spawn().unwrap();
    let sleeper = eventually("the tool is asked", || {
        ready(fs::read_to_string(&asked).ok())
    });
    let sleeper = sleeper.await.trim().parse().unwrap();
    let service_id = Pid::from_raw(service.id().unwrap().cast_signed()).unwrap();
    kill_process(service_id, Signal::TERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(3), service.wait()).await;
    assert_eq!(ended.unwrap().unwrap().code(), Some(0));
    until_ended(&[sleeper]).await;
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
