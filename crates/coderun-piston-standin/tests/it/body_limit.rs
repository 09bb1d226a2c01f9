//! The longest request body, to the byte.

use coderun_domain::ByteSize;
use coderun_piston_standin::StandinOptions;
use serde_json::{Value, json};

use crate::support::{Asked, with};

const LIMIT: usize = 1024;

async fn limited() -> Asked {
    with(StandinOptions {
        body_limit: ByteSize::from_bytes(LIMIT as u64),
        ..StandinOptions::default()
    })
    .await
}

/// A good program whose request has this length.
fn body(length: usize) -> String {
    let body = |code: &str| {
        json!({"language": "python", "version": "*", "files": [{"content": code}]}).to_string()
    };
    body(&"x".repeat(length - body("").len()))
}

async fn send(asked: &Asked, body: String) -> (u16, Value) {
    let request = asked
        .post("/api/v2/execute")
        .header("content-type", "application/json");
    let response = request.body(body).send().await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
    )
}

#[tokio::test]
async fn a_body_of_the_limit_is_read() {
    let asked = limited().await;
    assert_eq!(send(&asked, body(LIMIT)).await.0, 200);
}

#[tokio::test]
async fn a_body_one_byte_over_the_limit_is_a_stack() {
    let asked = limited().await;
    let (status, answer) = send(&asked, body(LIMIT + 1)).await;
    let stack = answer["stack"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(
        stack.starts_with("PayloadTooLargeError: request entity too large\n"),
        "{stack}"
    );
    assert_eq!(asked.standin.executions_begun(), 0);
}

#[tokio::test]
async fn a_body_far_over_the_limit_is_read_to_its_end_and_answered() {
    let asked = limited().await;
    assert_eq!(send(&asked, body(20 << 20)).await.0, 400);
    assert_eq!(asked.standin.last_execute_body().unwrap().len(), LIMIT);
}
