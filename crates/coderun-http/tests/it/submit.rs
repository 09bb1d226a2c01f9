//! Checks what `POST /api/v1/executions/execute` accepts.

use std::sync::Arc;

use coderun_domain::testing::{execution_id, language, worker_offer};
use coderun_domain::{
    Buffering, ExecutionId, Submission, UnavailableCause, UnavailableLanguage, WorkerOffer,
};
use futures_util::future::select;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::raw::submission_head;
use crate::support::request::{Request, valid};
use crate::support::{Server, no_worker};

/// Sends a submission that must be accepted, and returns what reached the domain.
async fn accepted(server: &Server, request: Request) -> Arc<Submission> {
    let answer = request.await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let execution = server.backend.execution(execution_id(1));
    Arc::clone(execution.submission())
}

#[tokio::test]
async fn the_answer_has_the_fields_of_the_contract_in_order() {
    let server = Server::start();
    let body = json!({"code": "print('Hello World')", "language": "python", "input_data": ""});
    let answer = server.submit(&body).await;
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
    let submission = accepted(&server, server.submit(&body)).await;
    assert_eq!(submission.input(), "");
    assert_eq!(submission.language().as_str(), "python");
    assert_eq!(submission.user().as_str(), "alice");
}

#[tokio::test]
async fn ignored_fields_are_named_with_the_likely_ones() {
    let server = Server::start();
    let warnings = async |more: Value| {
        let mut body = valid();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        server.submit(&body).await.json()["warnings"].clone()
    };
    for (more, expected) in [
        (
            json!({"stdin": "1"}),
            json!(["unknown field `stdin`; did you mean `input_data`?"]),
        ),
        (
            json!({"Input": ""}),
            json!(["unknown field `Input`; did you mean `input_data`?"]),
        ),
        (
            json!({"inptu_data": ""}),
            json!(["unknown field `inptu_data`; did you mean `input_data`?"]),
        ),
        (
            json!({"limits": {"memory": 1, "wall-time-ms": {"processes": 1}}}),
            json!([
                "unknown field `limits.memory`; did you mean `limits.memory_bytes`?",
                "unknown field `limits.wall-time-ms`; did you mean `limits.wall_time_ms`?",
            ]),
        ),
        (json!({"theme": "dark"}), json!(["unknown field `theme`"])),
        (json!({"args": []}), Value::Null),
    ] {
        assert_eq!(warnings(more).await, expected);
    }
    let many = (0..1000)
        .map(|n| (format!("{n}{}", "x".repeat(1000)), json!(1)))
        .collect();
    let many = warnings(Value::Object(many)).await;
    assert_eq!(many.as_array().unwrap().len(), 10);
    assert!(many.to_string().len() < 1000, "{many}");
}

#[rstest]
#[case::no_media_type("", false)]
#[case::a_byte_order_mark("\u{feff}", true)]
#[tokio::test]
async fn what_json_libraries_send_is_taken(#[case] before: &str, #[case] has_media_type: bool) {
    let server = Server::start();
    let body = format!(r#"{before}{{"code": "a\ud83d\ude00\ud83db", "language": "python"}}"#);
    let request = if has_media_type {
        server.submit_text("application/json", body)
    } else {
        server.post("/api/v1/executions/execute/").body(body)
    };
    let submission = accepted(&server, request).await;
    assert_eq!(submission.code(), "a\u{1f600}\u{fffd}b");
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
        "expected_output": "out", "interactive": false, "buffering": "line", "callback_url": null,
    });
    let submission = accepted(&server, server.submit(&body)).await;
    assert_eq!(submission.version(), Some("3.11.2"));
    assert_eq!(submission.input(), "in");
    assert_eq!(submission.args(), ["a", "b c"]);
    assert_eq!(submission.expected_output(), Some("out"));
    assert_eq!(submission.requested_buffering(), Some(Buffering::Line));
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

#[rstest]
#[case::nul_bytes("a\0b")]
#[case::the_maximum_length(&"x".repeat(256 << 10))]
#[tokio::test]
async fn code_is_kept_as_it_is(#[case] code: &str) {
    let server = Server::start();
    let body = json!({"code": code, "language": "python"});
    let submission = accepted(&server, server.submit(&body)).await;
    assert_eq!(submission.code(), code);
}

#[rstest]
#[tokio::test]
async fn other_json_media_types_are_accepted(
    #[values("application/json; charset=utf-8", "application/vnd.coderun+json")] content_type: &str,
) {
    let server = Server::start();
    let request = server.submit_text(content_type, valid().to_string());
    accepted(&server, request).await;
}

#[tokio::test]
async fn a_submission_that_arrives_while_the_server_ends_gets_no_id() {
    let server = Server::start();
    let body = valid().to_string();
    let length = body.len();
    let head = format!("Content-Length: {length}\r\nExpect: 100-continue");
    let mut connection = server.send_raw(submission_head(&head)).await;
    connection.read_until("100 Continue\r\n\r\n").await;
    server.drain.end.cancel();
    connection.send(body).await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    assert!(!answer.contains("execution_id"), "{answer}");
}

#[tokio::test]
async fn a_submission_without_a_token_is_not_read() {
    let server = Server::start();
    let request = server.submit_text("text/plain", "not even JSON");
    request.anonymous().await.problem(401);
}

#[tokio::test]
async fn a_way_of_buffering_that_does_not_exist_is_named() {
    let server = Server::start();
    let body = json!({"code": "x", "language": "c", "buffering": "unbuffered"});
    let problem = server.submit(&body).await.problem(422);
    assert_eq!(problem["errors"][0]["pointer"], "/buffering");
    assert_eq!(problem["detail"], "buffering must be one of line, full");
}

#[tokio::test]
async fn an_interactive_submission_is_accepted_if_a_runner_supports_it() {
    let server = Server::start();
    let body = json!({"code": "input()", "language": "python", "interactive": true});
    let submission = accepted(&server, server.submit(&body)).await;
    assert!(submission.is_interactive());
}

#[tokio::test]
async fn an_interactive_submission_is_refused_if_no_runner_supports_it() {
    let mut offer = worker_offer("w1");
    offer.runner.interactive = false;
    let server = Server::with_fleet(no_worker().with_worker(offer));
    let body = json!({"code": "input()", "language": "python", "interactive": true});
    let problem = server.submit(&body).await.problem(422);
    assert_eq!(problem["errors"][0]["pointer"], "/interactive");
    let body = json!({"code": "x", "language": "python", "interactive": false});
    assert_eq!(server.submit(&body).await.status, 200);
}

#[tokio::test]
async fn buffering_that_a_runner_ignores_is_warned_of() {
    let mut offer = worker_offer("w1");
    offer.runner.ignores_buffering = true;
    let server = Server::with_fleet(no_worker().with_worker(offer));
    let warnings = async |body: &Value| server.submit(body).await.json()["warnings"].clone();
    let mut body = valid();
    assert_eq!(warnings(&body).await, Value::Null);
    body["buffering"] = json!("line");
    let warning = "`buffering` is ignored: the runner passes output on when the program has ended";
    assert_eq!(warnings(&body).await, json!([warning]));
    assert_eq!(
        Server::start().submit(&body).await.json()["warnings"],
        Value::Null
    );
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[rstest]
#[case::valid(&[TRACE], Some(TRACE))]
#[case::absent(&[], None)]
#[case::malformed(&["none"], None)]
#[case::repeated(&[TRACE, TRACE], None)]
#[tokio::test]
async fn only_a_well_formed_trace_is_kept_with_the_submission(
    #[case] headers: &[&str],
    #[case] expected: Option<&str>,
) {
    let server = Server::start();
    let request = headers
        .iter()
        .fold(server.submit(&valid()), |request, trace| {
            request.header("traceparent", trace)
        });
    let submission = accepted(&server, request).await;
    let trace = submission.trace().map(ToString::to_string);
    assert_eq!(trace.as_deref(), expected);
}

#[tokio::test]
async fn a_repetition_under_its_key_is_answered_with_the_same_execution() {
    let server = Server::start();
    let submit = |body: Value| {
        let request = server.submit(&body);
        request.header("idempotency-key", "secret-key")
    };
    let first = submit(valid()).await;
    let id: ExecutionId = first.json()["execution_id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    server.backend.start(id);
    let again = submit(valid()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.json()["execution_id"], id.to_string());
    assert_eq!(again.json()["status"], "running");
    let other = submit(json!({"code": "another", "language": "python"})).await;
    let error = other.problem(422)["errors"][0].clone();
    assert_eq!(
        error,
        json!({"header": "Idempotency-Key", "detail": "names another submission, with other contents"})
    );
    assert!(!other.text.contains("secret-key"));
    assert_eq!(
        server.backend.execution(id).submission().code(),
        valid()["code"]
    );
}

#[tokio::test]
async fn a_submission_that_waits_for_the_check_of_its_language_counts_as_a_socket() {
    let ruby = UnavailableLanguage {
        language: language("ruby"),
        aliases: Vec::new(),
        version: None,
        cause: UnavailableCause::BeingChecked,
    };
    let offer = WorkerOffer {
        unavailable: vec![ruby],
        ..worker_offer("w1")
    };
    let fleet = no_worker().with_worker(offer);
    let server = Server::with_fleet_and(fleet, |config| config.sockets.per_user_max = 1);
    let body = json!({"code": "x", "language": "ruby"});
    let submit = || server.submit(&body).into_future();
    let (answer, _waiting) = select(submit(), submit()).await.factor_first();
    answer.problem(503);
    let id = server.backend.running();
    let poll = server.get(&format!("/api/v1/executions/status/{id}?wait=1"));
    poll.await.problem(429);
}
