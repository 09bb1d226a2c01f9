//! What the server says of itself.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn it_is_healthy_with_and_without_the_slash() {
    let server = Server::start();
    for path in ["/health", "/health/"] {
        let answer = server.get_anonymously(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.text,
            r#"{"status":"healthy","timestamp":"2027-01-15T08:00:00.000Z","service":"Code Execution Service","version":"1.2.3"}"#
        );
    }
}

#[tokio::test]
async fn it_is_ready_with_a_check_for_each_dependency() {
    let server = Server::start();
    let answer = server.get_anonymously("/health/ready").await;
    assert_eq!(answer.status, 200);
    let mut ready = answer.json();
    assert_eq!(ready["status"], "ready");
    let check = ready["checks"]["store"].take();
    assert_eq!(check["status"], "ok");
    assert_eq!(check["reason"], Value::Null);
    assert!(check["latency_ms"].is_u64());
    assert!(ready["checks"]["queue"].is_object());
}

#[tokio::test]
async fn it_is_not_ready_without_its_store() {
    let server = Server::start();
    server.backend.break_down(true);
    let answer = server.get_anonymously("/health/ready").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("content-type"), "application/json");
    let ready = answer.json();
    assert_eq!(ready["status"], "not ready");
    assert_eq!(ready["checks"]["store"]["status"], "failing");
    assert!(!answer.text.contains("secret"));
}

#[tokio::test]
async fn the_root_says_what_this_is() {
    let server = Server::start();
    let root = server.get_anonymously("/").await.json();
    assert_eq!(root["message"], "Code Execution Service");
    assert_eq!(root["version"], "1.2.3");
    assert_eq!(root["status"], "running");
    assert!(root["features"].is_array());
}

#[tokio::test]
async fn the_languages_are_listed_with_their_limits() {
    let server = Server::start();
    let languages = server.get_anonymously("/api/v1/languages").await.json();
    let python = &languages["languages"][0];
    assert_eq!(python["name"], "python");
    assert_eq!(python["aliases"], json!(["py"]));
    assert_eq!(python["versions"], json!(["3.11.2"]));
    assert_eq!(python["default_limits"]["memory_bytes"], 256 << 20);
    assert_eq!(python["maximum_limits"]["memory_bytes"], 1 << 30);
    assert_eq!(languages["languages"][1]["name"], "c");
}
