//! Checks every way to get a request wrong.

use std::time::Duration;

use coderun_domain::ByteSize;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::raw::submission_head;
use crate::support::request::{Request, valid};

const JSON: &str = "application/json";

/// Submits a body, and returns the pointers and details of its errors.
async fn errors_of(body: Value) -> Vec<(String, String)> {
    let problem = Server::start().submit(&body).await.problem(422);
    let errors = problem["errors"].as_array().unwrap().iter();
    let entry = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    errors
        .map(|error| (entry(error, "pointer"), entry(error, "detail")))
        .collect()
}

async fn assert_errors(body: Value, expected: &[(&str, &str)]) {
    let errors = errors_of(body).await;
    let errors: Vec<_> = errors
        .iter()
        .map(|(p, d)| (p.as_str(), d.as_str()))
        .collect();
    assert_eq!(errors, expected);
}

#[rstest]
#[case::missing(json!({}), "is required")]
#[case::null(json!({"code": null, "language": null}), "is required")]
#[case::empty(json!({"code": "", "language": ""}), "must not be empty")]
#[tokio::test]
async fn all_missing_and_empty_fields_are_named(#[case] body: Value, #[case] detail: &str) {
    assert_errors(body, &[("/code", detail), ("/language", detail)]).await;
}

#[tokio::test]
async fn mistyped_empty_and_missing_fields_are_named_at_once() {
    let body = json!({
        "code": 1, "language": "", "input_data": [], "args": [true, "a", {}],
        "files": [{"name": 1}, "x"], "limits": {"processes": "1", "memory_bytes": 0}, "interactive": "yes",
    });
    let expected = [
        ("/code", "must be a string"),
        ("/input_data", "must be a string"),
        ("/args/0", "must be a string"),
        ("/args/2", "must be a string"),
        ("/files/1", "must be an object"),
        ("/files/0/name", "must be a string"),
        ("/limits/processes", "must be a whole number of at least 0"),
        ("/interactive", "must be true or false"),
        ("/language", "must not be empty"),
        ("/limits/memory_bytes", "must be at least 1"),
    ];
    assert_errors(body, &expected).await;
}

#[tokio::test]
async fn a_list_of_many_wrong_entries_has_a_short_answer() {
    let body = json!({"code": "x", "language": "python", "args": vec![1; 100_000]});
    let errors = errors_of(body).await;
    assert_eq!(errors.len(), 100);
    assert_eq!(
        errors[0],
        ("/args".to_owned(), "has too many entries".to_owned())
    );
}

#[rstest]
#[case("code", json!(5), "/code", "must be a string")]
#[case("code", json!(["secret"]), "/code", "must be a string")]
#[case("input_data", json!({}), "/input_data", "must be a string")]
#[case("args", json!("secret"), "/args", "must be a list")]
#[case("args", json!(["a", 7]), "/args/1", "must be a string")]
#[case("files", json!([{"name": 1}]), "/files/0/name", "must be a string")]
#[case("files", json!([["a", "b"]]), "/files/0", "must be an object")]
#[case("limits", json!([1, 2]), "/limits", "must be an object")]
#[case("limits", json!({"memory_bytes": "secret"}), "/limits/memory_bytes", "must be a whole number of at least 0")]
#[case("limits", json!({"processes": -1}), "/limits/processes", "must be a whole number of at least 0")]
#[case("limits", json!({"cpu_time_ms": 1.5}), "/limits/cpu_time_ms", "must be a whole number of at least 0")]
#[case("interactive", json!("yes"), "/interactive", "must be true or false")]
#[tokio::test]
async fn a_mistyped_field_is_named_without_repeating_its_value(
    #[case] field: &str,
    #[case] value: Value,
    #[case] pointer: &str,
    #[case] detail: &str,
) {
    let mut body = valid();
    body[field] = value;
    assert_errors(body, &[(pointer, detail)]).await;
}

#[rstest]
#[tokio::test]
async fn a_body_that_is_not_an_object_is_refused(
    #[values(json!([]), json!(["x", "python"]), json!("x"), json!(null))] body: Value,
) {
    assert_errors(body, &[("", "must be an object")]).await;
}

#[rstest]
#[case(r#""code": "x", "code": "y""#, "/code")]
#[case::after_null(r#""code": "x", "input_data": null, "input_data": "y""#, "/input_data")]
#[case::before_null(r#""code": "x", "input_data": "y", "input_data": null"#, "/input_data")]
#[case(
    r#""code": "x", "limits": {"processes": "a", "processes": 1}"#,
    "/limits/processes"
)]
#[case(r#""code": "x", "limits": {}, "limits": {}"#, "/limits")]
#[case(
    r#""code": "x", "files": [{"name": "a", "content": "", "content": ""}]"#,
    "/files/0/content"
)]
#[tokio::test]
async fn a_repeated_field_is_named_with_all_other_mistakes(
    #[case] fields: &str,
    #[case] pointer: &str,
) {
    let body = format!(r#"{{{fields}, "language": 1}}"#);
    let problem = Server::start().submit_text(JSON, body).await.problem(422);
    let expected = json!([
        {"pointer": pointer, "detail": "must not be given twice"},
        {"pointer": "/language", "detail": "must be a string"},
    ]);
    let mut errors = problem["errors"].as_array().unwrap().clone();
    errors.sort_by_key(|error| error["detail"] == "must be a string");
    assert_eq!(json!(errors), expected);
}

#[tokio::test]
async fn all_errors_are_reported_at_once() {
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
        (
            "/version",
            "must name an offered version of python, not `9`; offered are 3.11.2",
        ),
        ("/args/0", "must not contain NUL"),
        ("/files/0/name", "must not contain `..`, `.` or empty parts"),
        ("/limits/memory_bytes", "must be at most 1073741824"),
        ("/limits/processes", "must be at least 1"),
    ];
    assert_errors(body, &expected).await;
}

#[tokio::test]
async fn an_unknown_language_is_answered_with_the_known_ones() {
    let body = json!({"code": "x", "language": "cobol"});
    let detail = "is unknown; known are python (py), c (gcc)";
    assert_errors(body, &[("/language", detail)]).await;
}

#[tokio::test]
async fn a_mistyped_language_is_answered_with_the_right_one() {
    let body = json!({"code": "x", "language": "Pyton 3"});
    let detail = "is unknown; did you mean `python`? Known are python (py), c (gcc)";
    assert_errors(body, &[("/language", detail)]).await;
}

#[tokio::test]
async fn two_versions_that_contradict_each_other_are_both_named() {
    let body = json!({"code": "x", "language": "Python 3.11", "version": "3.9"});
    let detail = "is `3.9`, but `language` names version `3.11`";
    assert_errors(body, &[("/version", detail)]).await;
}

#[tokio::test]
async fn the_detail_is_one_readable_sentence() {
    let files = json!([{"name": "a", "content": "!", "encoding": "base64"}]);
    let body =
        json!({"code": "", "language": "python", "limits": {"processes": 0}, "files": files});
    let problem = Server::start().submit(&body).await.problem(422);
    assert_eq!(
        problem["detail"],
        "files[0].content must be base64; code must not be empty; limits.processes must be at least 1"
    );
}

#[rstest]
#[case("code", 257 << 10, "code must be at most 256 KiB, not 257 KiB")]
#[case("input_data", (1 << 20) + 1, "input_data must be at most 1 MiB, not 1048577 bytes")]
#[tokio::test]
async fn a_text_above_its_limit_is_too_large(
    #[case] field: &str,
    #[case] length: usize,
    #[case] detail: &str,
) {
    let mut body = valid();
    body[field] = "x".repeat(length).into();
    let problem = Server::start().submit(&body).await.problem(413);
    assert_eq!(problem["detail"], detail);
    assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
}

#[tokio::test]
async fn a_body_that_is_announced_as_too_large_is_refused_unread() {
    let head = submission_head("Content-Length: 2097153");
    let mut connection = Server::start().send_raw(head).await;
    let answer = connection.read_until("\"instance\"").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let detail = "The request body must be at most 2 MiB";
    assert!(answer.contains(detail), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_is_refused_once_it_is_too_large() {
    let server = Server::with(|config| config.body_max = ByteSize::from_bytes(10));
    let head = submission_head("Transfer-Encoding: chunked");
    let mut connection = server.send_raw(head).await;
    connection.send("6\r\n123456\r\n5\r\n78901\r\n").await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("at most 10 bytes"), "{answer}");
}

#[rstest]
#[tokio::test]
async fn a_slow_body_times_out(
    #[values("Content-Length: 100", "Transfer-Encoding: chunked")] length: &str,
) {
    let server = Server::with(|config| {
        config.timeouts.request_body = Duration::from_millis(50);
    });
    let mut connection = server.send_raw(submission_head(length)).await;
    connection.send("1\r\n{\r\n").await;
    let answer = connection.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let detail = "The request body did not arrive in time";
    assert!(answer.contains(detail), "{answer}");
}

#[rstest]
#[case("")]
#[case("{")]
#[case("{\"code\": \"secret}")]
#[case("not json")]
#[case("{} {}")]
#[case("{\"code\": 01}")]
#[tokio::test]
async fn malformed_json_is_a_bad_request(#[case] body: &'static str) {
    let answer = Server::start().submit_text(JSON, body).await;
    let problem = answer.problem(400);
    let detail = problem["detail"].as_str().unwrap();
    let expected = "The request body is not valid JSON";
    assert!(detail.starts_with(expected), "{detail}");
}

#[rstest]
#[case::in_the_place_of_the_body("", "")]
#[case::in_a_field("{\"code\":", "}")]
#[case::in_an_unknown_field("{\"theme\":", "}")]
#[case::in_a_list("{\"args\":[", "]}")]
#[tokio::test]
async fn json_is_read_to_a_depth_of_128(#[case] open: &str, #[case] close: &str) {
    let server = Server::start();
    let levels = open.matches(['{', '[']).count();
    let nested = |depth: usize| {
        let inner = depth - levels;
        format!("{open}{}{}{close}", "[".repeat(inner), "]".repeat(inner))
    };
    server.submit_text(JSON, nested(128)).await.problem(422);
    for depth in [129, 100_000] {
        server.submit_text(JSON, nested(depth)).await.problem(400);
    }
    assert_eq!(server.get("/health/").await.status, 200);
}

#[tokio::test]
async fn bad_utf8_is_a_bad_request() {
    let body = b"{\"code\": \"\xff\", \"language\": \"python\"}".to_vec();
    let answer = Server::start().submit_text(JSON, body).await;
    let detail = "The request body is not valid UTF-8";
    assert_eq!(answer.problem(400)["detail"], detail);
}

#[tokio::test]
async fn another_media_type_or_encoding_is_unsupported() {
    let server = Server::start();
    let json = server.submit(&valid());
    for request in [
        server.submit_text("text/plain", "{}"),
        server.submit_text("application/json; charset=latin1", "{}"),
        server.submit_text("", "{}"),
        json.header("content-encoding", "gzip"),
    ] {
        request.await.problem(415);
    }
}

/// Expects that a submission is refused with this one error and nothing runs.
async fn assert_refused(server: &Server, request: Request, error: Value) {
    let answer = request.await;
    assert_eq!(answer.problem(422)["errors"], json!([error]));
    assert!(!answer.text.contains("secret"));
    let list = server.get("/api/v1/executions").await.json();
    assert_eq!(list["executions"], json!([]));
}

#[rstest]
#[case::empty(&[""])]
#[case::too_long(&[&*"k".repeat(256)])]
#[case::with_a_space(&["secret key"])]
#[case::repeated(&["secret-1", "secret-2"])]
#[tokio::test]
async fn a_bad_idempotency_key_is_refused_and_nothing_runs(
    #[case] keys: &[&str],
    #[values("execute", "batch")] route: &str,
) {
    let server = Server::start();
    let mut request = server.post(&format!("/api/v1/executions/{route}"));
    for key in keys {
        request = request.header("idempotency-key", *key);
    }
    let detail = "must be 1 to 255 visible ASCII characters, given once";
    assert_refused(
        &server,
        request,
        json!({"header": "Idempotency-Key", "detail": detail}),
    )
    .await;
}
