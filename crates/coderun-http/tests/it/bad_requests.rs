//! Every way to get a request wrong.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::raw::RawConnection;
use crate::support::{Answer, Server};

/// Submits and answers the pointers of what was found wrong.
async fn wrong(body: Value) -> Vec<(String, String)> {
    let server = Server::start();
    let problem = server.submit(&body).await.problem(422);
    let errors = problem["errors"].as_array().unwrap().iter();
    let entry = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    errors
        .map(|error| (entry(error, "pointer"), entry(error, "detail")))
        .collect()
}

fn list(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries
        .iter()
        .map(|(pointer, detail)| ((*pointer).to_owned(), (*detail).to_owned()))
        .collect()
}

#[tokio::test]
async fn missing_fields_are_all_named() {
    let expected = [
        ("/code", "must not be empty"),
        ("/language", "must not be empty"),
    ];
    assert_eq!(wrong(json!({})).await, list(&expected));
}

#[tokio::test]
async fn empty_fields_are_all_named() {
    let expected = [
        ("/code", "must not be empty"),
        ("/language", "must not be empty"),
    ];
    let body = json!({"code": "", "language": ""});
    assert_eq!(wrong(body).await, list(&expected));
}

#[tokio::test]
async fn mistyped_fields_are_named_without_repeating_what_was_sent() {
    for (field, value, pointer, detail) in [
        ("code", json!(5), "/code", "must be a string"),
        ("code", json!(["secret"]), "/code", "must be a string"),
        ("input_data", json!({}), "/input_data", "must be a string"),
        ("args", json!("secret"), "/args", "must be a list"),
        ("args", json!(["a", 7]), "/args/1", "must be a string"),
        (
            "files",
            json!([{"name": 1}]),
            "/files/0/name",
            "must be a string",
        ),
        (
            "files",
            json!([["a", "b"]]),
            "/files/0",
            "must be an object",
        ),
        ("limits", json!([1, 2]), "/limits", "must be an object"),
        (
            "limits",
            json!({"memory_bytes": "secret"}),
            "/limits/memory_bytes",
            "must be a whole number of at least 0",
        ),
        (
            "limits",
            json!({"processes": -1}),
            "/limits/processes",
            "must be a whole number of at least 0",
        ),
        (
            "limits",
            json!({"cpu_time_ms": 1.5}),
            "/limits/cpu_time_ms",
            "must be a whole number of at least 0",
        ),
        (
            "interactive",
            json!("yes"),
            "/interactive",
            "must be true or false",
        ),
    ] {
        let mut body = json!({"code": "x", "language": "python"});
        body[field] = value;
        assert_eq!(wrong(body).await, list(&[(pointer, detail)]));
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for body in [json!([]), json!(["x", "python"]), json!("x"), json!(null)] {
        assert_eq!(wrong(body).await, list(&[("", "must be an object")]));
    }
}

#[tokio::test]
async fn a_field_that_stands_there_twice_is_refused() {
    let server = Server::start();
    let body = r#"{"code": "x", "code": "y", "language": "python"}"#;
    server
        .submit_text("application/json", body)
        .await
        .problem(422);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let body = json!({
        "code": "x", "language": "python", "version": "9",
        "args": ["a\0"],
        "files": [
            {"name": "../up", "content": ""},
            {"name": "a", "content": "!", "encoding": "base64"},
            {"name": "b", "content": "", "encoding": "latin1"},
        ],
        "limits": {"memory_bytes": 2_147_483_648_u64, "processes": 0},
        "callback_url": "https://example.com",
    });
    let expected = [
        ("/files/1/content", "must be base64"),
        ("/files/2/encoding", "must be `utf-8` or `base64`"),
        ("/callback_url", "is not offered by this deployment yet"),
        ("/version", "must be one of 3.11.2"),
        ("/args/0", "must not contain NUL"),
        ("/files/0/name", "must not contain `..`, `.` or empty parts"),
        ("/limits/memory_bytes", "must be at most 1073741824"),
        ("/limits/processes", "must be at least 1"),
    ];
    assert_eq!(wrong(body).await, list(&expected));
}

#[tokio::test]
async fn an_unknown_language_is_answered_with_the_known_ones() {
    let expected = [("/language", "must be one of python, c")];
    let body = json!({"code": "x", "language": "cobol"});
    assert_eq!(wrong(body).await, list(&expected));
}

#[tokio::test]
async fn the_detail_is_one_readable_sentence() {
    let server = Server::start();
    let body =
        json!({"code": "", "language": "python", "limits": {"processes": 0}, "callback_url": "x"});
    let problem = server.submit(&body).await.problem(422);
    assert_eq!(
        problem["detail"],
        "callback_url is not offered by this deployment yet; code must not be empty; limits.processes must be at \
         least 1"
    );
}

#[tokio::test]
async fn code_of_257_kib_is_too_large() {
    let server = Server::start();
    let body = json!({"code": "x".repeat(257 << 10), "language": "python"});
    let problem = server.submit(&body).await.problem(413);
    assert_eq!(
        problem["detail"],
        "code must be at most 256 KiB, not 257 KiB"
    );
    assert_eq!(problem["errors"][0]["pointer"], "/code");
}

#[tokio::test]
async fn input_beyond_its_limit_is_too_large() {
    let server = Server::start();
    let input = "x".repeat((1 << 20) + 1);
    let body = json!({"code": "x", "language": "python", "input_data": input});
    let problem = server.submit(&body).await.problem(413);
    assert_eq!(problem["errors"][0]["pointer"], "/input_data");
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_refused_unread() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    connection.send(head("Content-Length: 2097153")).await;
    let answer = connection.read_until("\"instance\"").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(
        answer.contains("The request body must be at most 2 MiB"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_chunked_body_is_refused_once_it_is_too_large() {
    let server = Server::with(|config| {
        config.body_max = coderun_domain::ByteSize::from_bytes(10);
    });
    let mut connection = RawConnection::open(server.address).await;
    connection.send(head("Transfer-Encoding: chunked")).await;
    connection.send("6\r\n123456\r\n5\r\n78901\r\n").await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("at most 10 bytes"), "{answer}");
}

fn head(length: &str) -> String {
    format!(
        "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
         Content-Type: application/json\r\n{length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let server = Server::with(|config| {
        config.timeouts.request_body = Duration::from_millis(50);
    });
    for length in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut connection = RawConnection::open(server.address).await;
        connection.send(head(length)).await;
        connection.send("1\r\n{\r\n").await;
        let answer = connection.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        let detail = "The request body did not arrive in time";
        assert!(answer.contains(detail), "{answer}");
    }
}

#[tokio::test]
async fn malformed_json_is_a_bad_request() {
    let server = Server::start();
    for body in [
        "",
        "{",
        "{\"code\": \"secret}",
        "not json",
        "{} {}",
        "{\"code\": \"\\ud800\", \"language\": \"python\"}",
        "{\"code\": 01}",
    ] {
        let answer = server.submit_text("application/json", body).await;
        let problem = answer.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("The request body is not valid JSON"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn deeply_nested_json_is_refused_cleanly() {
    let server = Server::start();
    let deep = format!(
        "{}{}",
        "{\"a\":".repeat(100_000),
        "1".to_owned() + &"}".repeat(100_000)
    );
    for (body, status) in [
        ("[".repeat(100_000), 422),
        (format!("{{\"theme\": {}", "[".repeat(100_000)), 400),
        (format!("{{\"args\": {}", "[".repeat(100_000)), 422),
        (format!("{{\"code\": {deep}}}"), 422),
        // What is ignored may be as deep as it likes: nothing is built of it.
        (format!("{{\"theme\": {deep}}}"), 422),
    ] {
        let answer = server.submit_text("application/json", body).await;
        answer.problem(status);
    }
    assert_eq!(server.get("/health/").await.status, 200);
}

#[tokio::test]
async fn bad_utf8_is_a_bad_request() {
    let server = Server::start();
    let body = b"{\"code\": \"\xff\", \"language\": \"python\"}".to_vec();
    let answer = server.submit_text("application/json", body).await;
    assert_eq!(
        answer.problem(400)["detail"],
        "The request body is not valid UTF-8"
    );
}

#[tokio::test]
async fn another_content_type_is_unsupported() {
    let server = Server::start();
    for content_type in ["text/plain", "application/json; charset=latin1", ""] {
        let answer = server.submit_text(content_type, "{}").await;
        answer.problem(415);
    }
    let request = server
        .client
        .post(server.url("/api/v1/executions/execute"))
        .bearer_auth("alice")
        .body("{}");
    Answer::to(request).await.problem(415);
}

#[tokio::test]
async fn a_compressed_body_is_unsupported() {
    let server = Server::start();
    let request = server
        .client
        .post(server.url("/api/v1/executions/execute"))
        .bearer_auth("alice")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body("{}");
    Answer::to(request).await.problem(415);
}

/// The only entry of a problem about an option that is not there.
fn missing_option(answer: &Answer) -> Value {
    let problem = answer.problem(422);
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("is not offered by this deployment yet"),
        "{detail}"
    );
    problem["errors"][0].clone()
}

#[tokio::test]
async fn a_dry_run_is_refused_and_nothing_runs() {
    let server = Server::start();
    let request = server
        .client
        .post(server.url("/api/v1/executions/execute?dry_run=true"))
        .bearer_auth("alice")
        .json(&json!({"code": "x", "language": "python"}));
    let entry = missing_option(&Answer::to(request).await);
    assert_eq!(entry["parameter"], "dry_run");
    let list = server.get("/api/v1/executions").await.json();
    assert_eq!(list["executions"], json!([]));
}

#[tokio::test]
async fn an_idempotency_key_is_refused_and_nothing_runs() {
    let server = Server::start();
    let request = server
        .client
        .post(server.url("/api/v1/executions/execute"))
        .bearer_auth("alice")
        .header("idempotency-key", "secret-key")
        .json(&json!({"code": "x", "language": "python"}));
    let answer = Answer::to(request).await;
    assert_eq!(missing_option(&answer)["header"], "Idempotency-Key");
    assert!(!answer.text.contains("secret-key"));
    let list = server.get("/api/v1/executions").await.json();
    assert_eq!(list["executions"], json!([]));
}

#[tokio::test]
async fn a_preference_is_ignored() {
    let server = Server::start();
    let request = server
        .client
        .post(server.url("/api/v1/executions/execute"))
        .bearer_auth("alice")
        .header("prefer", "wait=5, respond-async")
        .json(&json!({"code": "x", "language": "python"}));
    assert_eq!(Answer::to(request).await.status, 200);
}
