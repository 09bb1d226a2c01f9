//! `POST /api/v1/executions/execute`: what is accepted.

use serde_json::json;

use crate::support::raw::RawConnection;
use crate::support::{Answer, Server, no_worker};
use coderun_domain::testing::{execution_id, worker_offer};

#[tokio::test]
async fn a_submission_is_answered_to_the_letter() {
    let server = Server::start();
    let answer = server
        .submit(&json!({"code": "print('Hello World')", "language": "python", "input_data": ""}))
        .await;
    let id = "00000000-0000-0000-0000-000000000001";
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text,
        format!(
            "{{\"execution_id\":\"{id}\",\"status\":\"pending\",\"message\":\"Code submitted for execution. Use \
             execution_id: {id} to track progress.\"}}"
        )
    );
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/executions/status/{id}")
    );
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn unknown_keys_are_ignored_and_null_input_is_empty() {
    let server = Server::start();
    let body = json!({"code": "x", "language": "PY", "input_data": null, "theme": {"dark": [1]}});
    assert_eq!(server.submit(&body).await.status, 200);
    let execution = server.backend.execution(execution_id(1));
    assert_eq!(execution.submission().input(), "");
    assert_eq!(execution.submission().language().as_str(), "python");
    assert_eq!(execution.submission().user().as_str(), "alice");
}

#[tokio::test]
async fn every_option_reaches_the_domain() {
    let server = Server::start();
    let body = json!({
        "code": "import sys", "language": "python", "version": "3", "input_data": "in",
        "args": ["a", "b c"],
        "files": [
            {"name": "text.txt", "content": "grün"},
            {"name": "raw.bin", "content": "/wA=", "encoding": "base64"},
            {"name": "same.txt", "content": "x", "encoding": "utf-8"},
        ],
        "limits": {
            "cpu_time_ms": 1000, "wall_time_ms": 2000, "memory_bytes": 1_048_576, "output_bytes": 100, "processes": 5,
        },
        "expected_output": "out", "interactive": false, "callback_url": null,
    });
    let answer = server.submit(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let execution = server.backend.execution(execution_id(1));
    let submission = execution.submission();
    assert_eq!(submission.version(), Some("3.11.2"));
    assert_eq!(submission.input(), "in");
    assert_eq!(submission.args(), ["a", "b c"]);
    assert_eq!(submission.expected_output(), Some("out"));
    let files: Vec<_> = submission
        .files()
        .iter()
        .map(|file| (file.name().as_str(), file.content().as_ref()))
        .collect();
    assert_eq!(
        files,
        [
            ("text.txt", "grün".as_bytes()),
            ("raw.bin", b"\xff\x00"),
            ("same.txt", b"x"),
        ]
    );
    let limits = submission.limits();
    assert_eq!(limits.run.cpu_time().as_millis(), 1000);
    assert_eq!(limits.run.wall_time().as_millis(), 2000);
    assert_eq!(limits.run.memory().as_bytes(), 1_048_576);
    assert_eq!(limits.run.processes(), 5);
    assert_eq!(limits.storage.output().as_bytes(), 100);
}

#[tokio::test]
async fn nul_bytes_in_code_are_kept() {
    let server = Server::start();
    let answer = server
        .submit(&json!({"code": "a\0b", "language": "python"}))
        .await;
    assert_eq!(answer.status, 200);
    let execution = server.backend.execution(execution_id(1));
    assert_eq!(execution.submission().code(), "a\0b");
}

#[tokio::test]
async fn the_longest_code_is_accepted() {
    let server = Server::start();
    let body = json!({"code": "x".repeat(256 << 10), "language": "python"});
    assert_eq!(server.submit(&body).await.status, 200);
}

#[tokio::test]
async fn json_of_another_name_and_with_a_charset_is_accepted() {
    let server = Server::start();
    let body = r#"{"code": "x", "language": "python"}"#;
    for content_type in [
        "application/json; charset=utf-8",
        "application/vnd.coderun+json",
    ] {
        let answer = server.submit_text(content_type, body).await;
        assert_eq!(answer.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    connection
        .send(
            "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
             8\r\n{\"code\":\r\n17\r\n\"x\",\"language\":\"python\"\r\n1\r\n}\r\n0\r\n\r\n",
        )
        .await;
    let answer = connection.read_until("to track progress").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn while_draining_nothing_is_accepted_and_no_id_handed_out() {
    let server = Server::start();
    let mut connection = RawConnection::open(server.address).await;
    let body = r#"{"code": "x", "language": "python"}"#;
    let length = body.len();
    let head = format!(
        "POST /api/v1/executions/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    connection.send(head).await;
    connection.read_until("100 Continue\r\n\r\n").await;
    server.draining.cancel();
    connection.send(body).await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    assert!(!answer.contains("execution_id"), "{answer}");
}

#[tokio::test]
async fn a_submission_without_a_token_is_not_read() {
    let server = Server::start();
    let request = server
        .client
        .post(server.url("/api/v1/executions/execute"))
        .body("not even JSON");
    Answer::to(request).await.problem(401);
}

#[tokio::test]
async fn an_interactive_submission_is_accepted_where_a_runner_passes_input_on() {
    let server = Server::start();
    let body = json!({"code": "input()", "language": "python", "interactive": true});
    let answer = server.submit(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let execution = server.backend.execution(execution_id(1));
    assert!(execution.submission().is_interactive());
}

#[tokio::test]
async fn an_interactive_submission_is_refused_where_no_runner_passes_input_on() {
    let mut offer = worker_offer("w1");
    offer.runner.interactive = false;
    let server = Server::with_fleet(no_worker().with_worker(offer));
    let body = json!({"code": "input()", "language": "python", "interactive": true});
    let problem = server.submit(&body).await.problem(422);
    assert_eq!(problem["errors"][0]["pointer"], "/interactive");
    let body = json!({"code": "x", "language": "python", "interactive": false});
    assert_eq!(server.submit(&body).await.status, 200);
}

/// What the domain learns of the trace, from a request with these headers.
async fn trace_of(headers: &[&str]) -> Option<String> {
    let server = Server::start();
    let mut request = server
        .client
        .post(server.url("/api/v1/executions/execute"))
        .bearer_auth("alice")
        .json(&json!({"code": "x", "language": "python"}));
    for header in headers {
        request = request.header("traceparent", *header);
    }
    assert_eq!(Answer::to(request).await.status, 200);
    let execution = server.backend.execution(execution_id(1));
    let trace = execution.submission().trace();
    trace.map(ToString::to_string)
}

#[tokio::test]
async fn the_trace_of_a_submission_goes_with_it() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(trace_of(&[good]).await.as_deref(), Some(good));
}

#[tokio::test]
async fn a_trace_that_is_not_well_formed_is_passed_over() {
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(trace_of(&[]).await, None);
    assert_eq!(trace_of(&["none"]).await, None);
    assert_eq!(trace_of(&[good, good]).await, None);
}
