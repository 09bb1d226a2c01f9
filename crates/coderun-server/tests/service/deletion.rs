//! Tests that deleting executions leaves nothing behind.

use coderun_redis_fixture::RedisServer;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Launch, Service, dump, runs_marked};

const MARKER: &str = "deleted-while-it-runs";

async fn delete(service: &Service, token: &str, path: &str) -> StatusCode {
    let request = service.client.delete(service.url(path)).bearer_auth(token);
    request.send().await.unwrap().status()
}

async fn list(service: &Service, token: &str) -> Value {
    service.read("/api/v1/executions", token).await["executions"].clone()
}

/// Submits one execution that ends, one that runs and gets input, and one that waits; returns their ids.
async fn submit_three(service: &Service, token: &str) -> [String; 3] {
    let ended = json!({"code": "print('my ' + 'output') # my code", "language": "python", "input_data": "my input"});
    let record = service.run(token, &ended).await;
    let runs = json!({
        "code": "import time\nprint('up', flush=True)\ntime.sleep(60) # my code",
        "language": "python",
        "interactive": true,
        "args": [MARKER],
    });
    let running = service.submit(token, &runs).await;
    let mut socket = service.watch_since(token, &running, 0).await;
    socket.until("execution_output").await;
    socket
        .send(&json!({"type": "stdin", "data": "my typing"}))
        .await;
    let ticket = format!("/api/v1/executions/ticket/{running}");
    let issued = service.post(&ticket, token).send().await.unwrap();
    assert_eq!(issued.status(), StatusCode::CREATED);
    let waiting = service.submit(token, &runs).await;
    let ended = record["execution_id"].as_str().unwrap().to_owned();
    [ended, running, waiting]
}

#[tokio::test]
async fn deleting_all_executions_leaves_nothing_of_the_user_in_redis() {
    let redis = RedisServer::start();
    let launch = Launch::on(&redis.url())
        .with("WORKER_CONCURRENCY", "1")
        .with("USER_SUBMITS_PER_MINUTE", "0");
    let service = launch.start();
    let (alice, bob) = (launch.token("alice"), launch.token("bob"));
    let bobs = json!({"code": "print('of bob')", "language": "python"});
    let bobs = service.run(&bob, &bobs).await;
    let before = dump(&redis);
    let ids = submit_three(&service, &alice).await;
    assert_eq!(list(&service, &alice).await.as_array().unwrap().len(), 3);
    let deleted = delete(&service, &alice, "/api/v1/executions").await;
    assert_eq!(deleted, StatusCode::NO_CONTENT);
    assert!(!runs_marked(service.id(), MARKER), "the program still runs");
    assert_eq!(list(&service, &alice).await, json!([]));
    for id in &ids {
        let status = service.try_status(&alice, id).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    let (names, after) = (
        |dump: &[(String, String)]| dump.iter().map(|it| it.0.clone()).collect::<Vec<_>>(),
        dump(&redis),
    );
    let new: Vec<_> = names(&after)
        .into_iter()
        .filter(|name| !names(&before).contains(name))
        .collect();
    assert_eq!(new, Vec::<String>::new(), "keys are left");
    let secrets = ["alice", "my ", MARKER].into_iter().map(str::to_owned);
    for secret in secrets.chain(ids) {
        for (key, content) in &after {
            assert!(!key.contains(&secret), "{secret} is in the name {key}");
            assert!(!content.contains(&secret), "{secret} is in {key}");
        }
    }
    assert_eq!(list(&service, &bob).await.as_array().unwrap().len(), 1);
    let id = bobs["execution_id"].as_str().unwrap();
    assert_eq!(service.status(&bob, id).await["output"], "of bob\n");
}

#[tokio::test]
async fn deleting_a_running_execution_kills_it_and_closes_its_sockets() {
    let service = Service::start();
    let (alice, mallory) = (service.token("alice"), service.token("mallory"));
    let body =
        json!({"code": "import time; time.sleep(60)", "language": "python", "args": [MARKER]});
    let id = service.submit(&alice, &body).await;
    let mut socket = service.watch(&alice, &id).await;
    socket.until_running().await;
    service.until_runs(MARKER).await;
    let path = format!("/api/v1/executions/{id}");
    let refused = delete(&service, &mallory, &path).await;
    assert_eq!(refused, StatusCode::FORBIDDEN);
    let deleted = delete(&service, &alice, &path).await;
    assert_eq!(deleted, StatusCode::NO_CONTENT);
    assert!(!runs_marked(service.id(), MARKER), "the program still runs");
    let (messages, code) = socket.until_closed().await;
    // The cancellation may have reached the watcher before the record was deleted.
    let saw_end = messages
        .last()
        .is_some_and(|it| it["data"]["verdict"] == "cancelled");
    assert!(
        code == 4004 || (code == 1000 && saw_end),
        "{code} {messages:?}"
    );
    assert_eq!(delete(&service, &alice, &path).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let (service, token) = Service::with_user();
    let body = json!({"code": "print(1)", "language": "python"});
    let mut submitted = Vec::new();
    for _ in 0..7 {
        submitted.push(service.submit(&token, &body).await);
    }
    let (mut listed, mut path) = (Vec::new(), "/api/v1/executions?limit=3".to_owned());
    loop {
        let page = service.read(&path, &token).await;
        for record in page["executions"].as_array().unwrap() {
            assert!(record.get("code").is_none() && record.get("output").is_none());
            listed.push(record["execution_id"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/executions?limit=3&cursor={cursor}");
    }
    submitted.reverse();
    assert_eq!(listed, submitted);
}
