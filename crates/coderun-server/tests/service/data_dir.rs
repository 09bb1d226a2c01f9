//! Tests that state in `DATA_DIR` survives kills and restarts.

use serde_json::json;
use tempfile::TempDir;

use crate::support::{EventLog, Launch, Service, unused_address};

/// Executions to submit in each round.
const SUBMITTED: usize = 8;

/// A process with its state in this folder.
fn launch(folder: &TempDir) -> Launch {
    let folder = folder.path().join("data");
    let folder = folder.to_str().expect("a path of text");
    Launch::new()
        .with("DATA_DIR", folder)
        .with("USER_SUBMITS_PER_MINUTE", "0")
}

async fn submit_some(service: &Service, token: &str, round: usize) -> Vec<(String, String)> {
    let mut submitted = Vec::new();
    for number in 0..SUBMITTED {
        let name = format!("{round}-{number}");
        let code = format!("echo {name} one\nsleep 0.{number}\necho {name} two");
        let body = json!({"code": code, "language": "bash"});
        let id = service.submit(token, &body).await;
        submitted.push((id, format!("{name} one\n{name} two\n")));
    }
    submitted
}

#[tokio::test]
async fn nothing_accepted_is_lost_when_the_process_is_killed_repeatedly() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch(&folder);
    let token = launch.token("alice");
    let mut submitted = Vec::new();
    for round in 0..4 {
        let service = launch.start();
        submitted.extend(submit_some(&service, &token, round).await);
        if let Some(before) = round.checked_sub(1) {
            // The interrupted executions must end first, or the next kill hits them again until they are given up.
            let (first_before, _) = &submitted[before * SUBMITTED];
            service.final_record(&token, first_before).await;
        }
        service.kill();
    }
    let service = launch.start();
    for (id, output) in &submitted {
        let record = service.final_record(&token, id).await;
        assert_eq!(record["verdict"], "accepted", "{record}");
        assert_eq!(record["output"], output.as_str());
        let mut events = EventLog::default();
        let socket = service.watch_since(&token, id, 0).await;
        assert_eq!(events.read_until_closed(socket).await, 1000);
        assert!(events.is_gap_free(), "{events:?}");
        assert_eq!(events.bytes("stdout"), output.as_bytes());
    }
    let page = service.read("/api/v1/executions?limit=100", &token).await;
    let listed = page["executions"].as_array().unwrap().len();
    assert_eq!(listed, submitted.len(), "nothing is listed twice");
}

#[tokio::test]
async fn a_watcher_resumes_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch(&folder);
    let token = launch.token("alice");
    let service = launch.start();
    let code = "for n in 1 2 3 4 5 6; do echo $n; sleep 0.3; done";
    let body = json!({"code": code, "language": "bash"});
    let id = service.submit(&token, &body).await;
    let mut events = EventLog::default();
    let mut socket = service.watch_since(&token, &id, 0).await;
    while events.output_by_attempt().is_empty() {
        events.push(socket.next().await.expect("an open socket"));
    }
    service.kill();
    while let Ok(message) = socket.next().await {
        events.push(message);
    }
    let service = launch.start();
    let socket = service
        .watch_since(&token, &id, events.last_sequence())
        .await;
    assert_eq!(events.read_until_closed(socket).await, 1000);
    assert!(events.is_gap_free() && events.has_attempts_in_order());
    assert_eq!(events.bytes("stdout"), b"1\n2\n3\n4\n5\n6\n");
    assert_eq!(events.last_update()["attempts"], 2);
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch(&folder);
    let _first = launch.start();
    let log = launch.try_start().expect_err("the folder is in use");
    assert!(log.contains("in use by another process"), "{log}");
}

#[tokio::test]
async fn a_pending_execution_runs_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch(&folder).with("WORKER_CONCURRENCY", "1");
    let token = launch.token("alice");
    let mut service = launch.start();
    let sleeps = json!({"code": "sleep 1; echo first", "language": "bash"});
    let waits = json!({"code": "echo second", "language": "bash"});
    let first = service.submit(&token, &sleeps).await;
    let mut socket = service.watch(&token, &first).await;
    socket.until_running().await;
    let second = service.submit(&token, &waits).await;
    service.signal("TERM");
    assert_eq!(service.ended().await, Some(0));
    let service = launch.start();
    assert_eq!(service.status(&token, &first).await["output"], "first\n");
    let record = service.final_record(&token, &second).await;
    assert_eq!(record["output"], "second\n");
}

/// The second start has a runner that cannot be reached, so that it knows no languages.
#[tokio::test]
async fn what_waits_ends_soon_after_a_restart_without_its_language() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch(&folder).with("WORKER_CONCURRENCY", "1");
    let token = launch.token("alice");
    let service = launch.start();
    let sleeps = json!({"code": "sleep 60", "language": "bash"});
    let first = service.submit(&token, &sleeps).await;
    let mut socket = service.watch(&token, &first).await;
    socket.until_running().await;
    let waits = json!({"code": "echo second", "language": "bash"});
    let second = service.submit(&token, &waits).await;
    service.kill();
    let api_url = format!("http://{}/api/v2", unused_address());
    let launch = launch
        .with("RUNNER", "piston")
        .with("CODE_EXECUTION_API_URL", &api_url)
        .with("NO_WORKER_SECONDS", "1");
    let service = launch.start();
    let record = service.final_record(&token, &second).await;
    assert_eq!(record["verdict"], "internal_error");
    let reason = record["error_output"].as_str().unwrap();
    assert!(reason.contains("No worker"), "{reason}");
}
