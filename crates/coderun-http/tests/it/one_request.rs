//! Checks submissions that are answered in full, several at once, and not run at all.

use coderun_domain::testing::{execution_id, finished};
use coderun_domain::{ExecutionId, Status};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::raw::submission_head;
use crate::support::request::{Request, valid};
use crate::support::{Answer, Server};

const BATCH: &str = "/api/v1/executions/batch";

fn first() -> ExecutionId {
    execution_id(1)
}

/// Submits with a preference, acts once the request waits, and returns the answer.
async fn submit_while(server: &Server, prefer: &'static str, act: impl FnOnce()) -> Answer {
    submit_body_while(server, &valid(), prefer, act).await
}

async fn submit_body_while(
    server: &Server,
    body: &Value,
    prefer: &'static str,
    act: impl FnOnce(),
) -> Answer {
    let submitting = async { server.submit(body).header("prefer", prefer).await };
    let acting = async {
        server.backend.has_watchers(1).await;
        act();
    };
    let (answer, ()) = tokio::join!(submitting, acting);
    answer
}

#[rstest]
#[case("wait=60", "wait=60")]
#[case("respond-async, wait=60", "respond-async, wait=60")]
#[tokio::test]
async fn a_request_that_waits_is_answered_with_the_final_record(
    #[case] prefer: &'static str,
    #[case] applied: &str,
) {
    let server = Server::start();
    let answer = submit_while(&server, prefer, || {
        server.backend.start(first());
        server.backend.write(first(), "Hello\n");
        server.backend.finish(first(), finished());
    });
    let answer = answer.await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("preference-applied"), applied);
    let location = format!("/api/v1/executions/status/{}", first());
    assert_eq!(answer.header("location"), location);
    let record = answer.json();
    assert_eq!(
        (&record["status"], &record["user_id"]),
        (&json!("completed"), &json!("alice"))
    );
}

#[rstest]
#[case::small(5)]
#[case::large(100_000)]
#[tokio::test]
async fn the_final_record_names_fields_that_were_ignored(#[case] input_bytes: usize) {
    let server = Server::start();
    let mut body = valid();
    body["stdin"] = json!("x");
    body["input_data"] = json!("x".repeat(input_bytes));
    let answer = submit_body_while(&server, &body, "wait=60", || {
        server.backend.start(first());
        server.backend.finish(first(), finished());
    });
    let record = answer.await.json();
    assert_eq!(record["status"], "completed");
    let warning = "unknown field `stdin`; did you mean `input_data`?";
    assert_eq!(record["warnings"], json!([warning]));
    let read_later = server.status(first()).await.json();
    assert_eq!(read_later.get("warnings"), None);
}

#[rstest]
#[case("wait=1", "wait=1", 200)]
#[case("wait=0", "wait=0", 200)]
#[case("respond-async", "respond-async", 202)]
#[case("wait=0, respond-async", "respond-async, wait=0", 202)]
#[case("handling=lenient", "", 200)]
#[tokio::test]
async fn an_execution_that_is_not_final_is_answered_as_pending(
    #[case] prefer: &'static str,
    #[case] applied: &str,
    #[case] status: u16,
) {
    let server = Server::start();
    let answer = server.submit(&valid()).header("prefer", prefer).await;
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("preference-applied"), applied);
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(answer.json()["execution_id"], first().to_string());
}

#[tokio::test]
async fn without_a_free_socket_a_submission_does_not_wait() {
    let server = Server::with(|config| config.sockets.per_user_max = 0);
    let request = server
        .submit(&valid())
        .header("prefer", "wait=60, cancel-on-disconnect");
    let answer = request.await;
    assert_eq!(
        (answer.status, answer.header("preference-applied")),
        (200, "")
    );
}

#[rstest]
#[case::goes_on("wait=60", Status::Pending)]
#[case::is_cancelled("wait=60, cancel-on-disconnect", Status::Error)]
#[tokio::test]
async fn what_a_client_that_leaves_has_submitted(#[case] prefer: &str, #[case] then: Status) {
    let server = Server::start();
    let body = valid().to_string();
    let head = submission_head(&format!(
        "Prefer: {prefer}\r\nContent-Length: {}",
        body.len()
    ));
    let mut leaving = server.send_raw(head).await;
    leaving.send(&body).await;
    server.backend.has_watchers(1).await;
    drop(leaving);
    server.backend.has_watchers(0).await;
    server.backend.has_status(first(), then).await;
}

#[tokio::test]
async fn a_dry_run_names_what_would_run_and_runs_nothing() {
    let server = Server::start();
    let dry_run = |query: &str, body: &Value| {
        let request = server.post(&format!("/api/v1/executions/execute?dry_run={query}"));
        request
            .header("content-type", "application/json")
            .body(body.to_string())
    };
    let body =
        json!({"code": "x", "language": "PY", "limits": {"memory_bytes": 1_000_000}, "stdin": ""});
    let answer = dry_run("true", &body).await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!(
        (&answer["language"], &answer["version"]),
        (&json!("python"), &json!("3.11.2"))
    );
    assert_eq!(answer["limits"]["memory_bytes"], 1_000_000);
    assert_eq!(answer["runner"], "test");
    assert_eq!(
        answer["warnings"],
        json!(["unknown field `stdin`; did you mean `input_data`?"])
    );
    assert_eq!(answer.get("execution_id"), None);
    dry_run("1", &json!({"code": "x"})).await.problem(422);
    let problem = dry_run("maybe", &valid()).await.problem(422);
    assert_eq!(problem["errors"][0]["parameter"], "dry_run");
    let list = server.get("/api/v1/executions").await.json();
    assert_eq!(list["executions"], json!([]));
    assert_eq!(dry_run("false", &valid()).await.json()["status"], "pending");
}

fn batch(server: &Server, submissions: &Value) -> Request {
    let request = server
        .post(BATCH)
        .header("content-type", "application/json");
    request.body(json!({"submissions": submissions}).to_string())
}

#[tokio::test]
async fn each_submission_of_a_batch_has_its_own_answer() {
    let server = Server::start();
    let mut misspelt = valid();
    misspelt["stdin"] = json!("1");
    let submissions = json!([valid(), {"code": 1, "language": ""}, misspelt, 5]);
    let answer = batch(&server, &submissions).await;
    assert_eq!(answer.status, 200);
    let answers = answer.json()["executions"].clone();
    assert_eq!(answers[0]["execution_id"], first().to_string());
    assert_eq!(answers[0].get("warnings"), None);
    assert_eq!(answers[1]["status"], 422);
    assert_eq!(answers[1]["errors"].as_array().unwrap().len(), 2);
    assert_eq!(answers[2]["execution_id"], execution_id(2).to_string());
    assert_eq!(answers[2]["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(answers[3]["detail"], "submissions[3] must be an object");
    assert_eq!(answers[4], Value::Null);
}

#[tokio::test]
async fn a_mistake_in_a_batch_spoils_one_submission_and_has_its_full_pointer() {
    let server = Server::start();
    let limits = [
        r#"{"processes": 1}"#,
        r#"{"processes": 1, "processes": 1}"#,
        r#"{"memory_bytes": 99999999999}"#,
        r#"{"memory": 1, "memory": 1}"#,
    ];
    let submission =
        |limits| format!(r#"{{"code": "x", "language": "python", "limits": {limits}}}"#);
    let body = format!(
        r#"{{"submissions": [{}]}}"#,
        limits.map(submission).join(",")
    );
    let answer = server.post(BATCH).body(body).await.json();
    let answers = &answer["executions"];
    assert_eq!(answers[0]["execution_id"], first().to_string());
    let twice = json!([{"pointer": "/submissions/1/limits/processes", "detail": "must not be given twice"}]);
    assert_eq!(answers[1]["errors"], twice);
    let error = &answers[2]["errors"][0];
    assert_eq!(error["pointer"], "/submissions/2/limits/memory_bytes");
    let detail = answers[2]["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("submissions[2].limits.memory_bytes must"),
        "{detail}"
    );
    let warning = "unknown field `limits.memory`; did you mean `limits.memory_bytes`?";
    assert_eq!(answers[3]["warnings"], json!([warning]));
}

#[tokio::test]
async fn a_batch_that_is_repeated_under_its_key_gives_the_same_executions() {
    let server = Server::start();
    let submit = async |submissions: Value| {
        let request = batch(&server, &submissions).header("idempotency-key", "secret-key");
        request.await.json()["executions"].clone()
    };
    let other = json!({"code": "another", "language": "python"});
    let first = submit(json!([valid(), valid(), {"code": ""}])).await;
    assert_ne!(first[0]["execution_id"], first[1]["execution_id"]);
    assert_eq!(first[2]["status"], 422);
    // What was refused is submitted, and what is another one than before spoils nothing else.
    let again = submit(json!([valid(), other, other])).await;
    assert_eq!(again[0], first[0]);
    let reused = json!([{"header": "Idempotency-Key", "detail": "names another submission, with other contents"}]);
    assert_eq!(again[1]["errors"], reused);
    assert_eq!(again[2]["status"], "pending");
    let list = server.get("/api/v1/executions").await.json();
    assert_eq!(list["executions"].as_array().unwrap().len(), 3);
    // The same key names something else on `execute`.
    let single = server
        .submit(&valid())
        .header("idempotency-key", "secret-key")
        .await;
    assert_ne!(single.json()["execution_id"], first[0]["execution_id"]);
}

#[rstest]
#[case(json!(vec![valid(); 21]), "must have at most 20 entries")]
#[case(json!(vec![1; 5000]), "must have at most 20 entries")]
#[case(json!({}), "must be a list")]
#[case(Value::Null, "is required")]
#[tokio::test]
async fn a_batch_has_up_to_20_submissions(#[case] submissions: Value, #[case] detail: &str) {
    let server = Server::start();
    let problem = batch(&server, &submissions).await.problem(422);
    let expected = json!([{"pointer": "/submissions", "detail": detail}]);
    assert_eq!(problem["errors"], expected);
    let list = server.get("/api/v1/executions").await.json();
    assert_eq!(list["executions"], json!([]));
}
