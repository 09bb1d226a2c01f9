//! Answers that are none.

use std::time::Duration;

use coderun_domain::{ByteSize, Report, RunnerError, Verdict};
use coderun_runner_http::HttpRunnerConfig;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::server::{Piston, Reply};
use crate::support::{answer, config, run, start};

/// What comes of a reply, for somebody who gives a program a tenth of a second.
async fn met_with(reply: Reply) -> Result<Report, RunnerError> {
    let piston = Piston::start().await;
    let runner = start(HttpRunnerConfig {
        answer_grace: Duration::from_millis(50),
        connect_timeout: Duration::from_secs(2),
        ..config(&piston)
    })
    .await;
    piston.next([reply]);
    let request = crate::support::request_with(coderun_domain::testing::draft(), quick());
    let mut listener = crate::support::Listener::default();
    let answer = crate::support::run_with(&runner, request, &mut listener).await;
    assert_eq!(piston.programs().len(), 1, "nothing is sent twice");
    answer
}

fn quick() -> coderun_domain::Limits {
    let all = crate::support::limits();
    let tenth = Duration::from_millis(100);
    let stage = coderun_domain::StageLimits::new(tenth, tenth, ByteSize::from_mib(64), 8).unwrap();
    coderun_domain::Limits {
        run: stage,
        compile: stage,
        storage: all.storage,
    }
}

fn good() -> Vec<u8> {
    match answer(&json!({})) {
        Reply::Bytes(bytes) => bytes,
        reply => panic!("{reply:?}"),
    }
}

fn assert_unavailable(answer: &Result<Report, RunnerError>, expected: &str) {
    let Err(RunnerError::Unavailable { reason, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert!(reason.contains(expected), "{reason}");
}

/// Another attempt would get the same answer, so there is none.
fn assert_unreadable(answer: &Result<Report, RunnerError>) {
    let report = answer.as_ref().unwrap();
    assert_eq!(report.verdict, Verdict::InternalError);
    let hint = "The runner's answer cannot be read";
    assert_eq!(report.hint.as_deref(), Some(hint));
}

/// Only what a program wrote makes a result so large.
fn assert_flood(answer: Result<Report, RunnerError>) {
    assert_eq!(answer.unwrap().verdict, Verdict::OutputLimit);
}

#[tokio::test]
async fn a_reset_before_the_answer_is_not_tried_again() {
    assert_unavailable(&met_with(Reply::Reset).await, "lost before the answer");
}

#[tokio::test]
async fn an_end_before_the_answer_is_not_tried_again() {
    assert_unavailable(
        &met_with(Reply::ThenClose(Vec::new())).await,
        "lost before the answer",
    );
}

#[tokio::test]
async fn an_end_in_the_answer_is_not_tried_again() {
    let mut bytes = good();
    bytes.truncate(bytes.len() - 5);
    assert_unavailable(
        &met_with(Reply::ThenClose(bytes)).await,
        "lost during the answer",
    );
}

#[tokio::test]
async fn no_answer_is_waited_for_within_the_limits_and_the_grace() {
    assert_unavailable(&met_with(Reply::Hang).await, "no answer in time");
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_no_answer() {
    let reply = Reply::Trickle(good(), Duration::from_mins(1));
    assert_unavailable(&met_with(reply).await, "no answer in time");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_no_answer() {
    let reply = Reply::Trickle(good(), Duration::from_millis(200));
    assert_unavailable(&met_with(reply).await, "no answer in time");
}

#[rstest]
#[case::empty("")]
#[case::html("<html>hello</html>")]
#[case::truncated(r#"{"run": {"stdout": "x", "std"#)]
#[case::null("null")]
#[case::number("7")]
#[case::list("[]")]
#[case::nothing("{}")]
#[case::no_run(r#"{"language":"python","version":"3.12.0"}"#)]
#[case::deep(&"[".repeat(200_000))]
#[tokio::test]
async fn a_200_that_is_no_result_cannot_be_read(#[case] body: &str) {
    assert_unreadable(&met_with(Reply::with(200, "", body.as_bytes())).await);
}

#[tokio::test]
async fn bytes_that_are_no_text_cannot_be_read() {
    let body = b"{\"run\":{\"stdout\":\"\xff\",\"stderr\":\"\",\"code\":0},\"language\":\"python\",\"version\":\"3.12.0\"}";
    assert_unreadable(&met_with(Reply::with(200, "", body)).await);
}

#[rstest]
#[case::stdout("stdout", json!(1))]
#[case::stderr("stderr", json!(["x"]))]
#[case::code("code", json!("0"))]
#[case::half_a_code("code", json!(0.5))]
#[case::huge_code("code", json!(4_294_967_296_u64))]
#[case::signal("signal", json!(9))]
#[case::status("status", json!(false))]
#[case::cpu_time("cpu_time", json!("11"))]
#[case::wall_time("wall_time", json!({}))]
#[case::memory("memory", json!(-1))]
#[case::half_a_byte("memory", json!(1.5))]
#[case::all_null("code", json!(null))]
#[tokio::test]
async fn a_field_of_the_wrong_kind_cannot_be_read(#[case] field: &str, #[case] value: Value) {
    assert_unreadable(&met_with(answer(&json!({field: value}))).await);
}

#[tokio::test]
async fn a_failure_of_pistons_own_sandbox_is_not_the_fault_of_the_program() {
    let answer = met_with(answer(&json!({"code": null, "status": "XX"}))).await;
    assert_unavailable(&answer, "the sandbox of the API failed");
}

#[tokio::test]
async fn an_answer_that_says_that_it_is_too_large_is_not_read() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 50 << 20);
    assert_flood(met_with(Reply::Bytes(head.into_bytes())).await);
}

#[tokio::test]
async fn an_answer_that_turns_out_to_be_too_large_is_read_no_further() {
    let stage = json!({"stdout": "x".repeat(50 << 20), "stderr": "", "code": 0});
    let body = json!({"run": stage, "language": "python", "version": "3.12.0"}).to_string();
    let bytes = [b"HTTP/1.1 200 OK\r\n\r\n", body.as_bytes()].concat();
    assert_flood(met_with(Reply::ThenClose(bytes)).await);
}

#[tokio::test]
async fn what_is_no_http_is_not_tried_again() {
    let answer = met_with(Reply::ThenClose(b"SSH-2.0-OpenSSH\r\n".to_vec())).await;
    assert_unavailable(&answer, "lost before the answer");
}

#[tokio::test]
async fn a_run_that_was_lost_can_be_handed_in_again() {
    let piston = Piston::start().await;
    let runner = start(config(&piston)).await;
    piston.next([Reply::Reset]);
    assert!(run(&runner).await.is_err());
    assert!(run(&runner).await.is_ok());
    assert_eq!(piston.programs().len(), 2);
}
