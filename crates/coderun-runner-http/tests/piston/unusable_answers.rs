//! Gets answers that are lost, late, too large or no results.

use std::time::Duration;

use coderun_domain::Verdict;
use coderun_piston_standin::Reply;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{answer, assert_unavailable, run_against};

/// The beginning of a head.
const HEAD: &str = "HTTP/1.1 200 OK\r\n";

#[rstest]
#[case::closed(Reply::raw(""), "lost before the answer")]
#[case::not_http(Reply::raw("SSH-2.0-OpenSSH\r\n"), "lost before the answer")]
#[case::truncated(Reply::success("out").truncated(), "lost during the answer")]
#[case::slow_head(Reply::raw(HEAD).byte_by_byte(Duration::from_mins(1)), "no answer in time")]
#[tokio::test]
async fn a_program_without_an_answer_is_not_sent_again(
    #[case] reply: Reply,
    #[case] expected: &str,
) {
    assert_unavailable(run_against(reply).await, expected);
}

/// Another attempt would get the same answer, so there is none.
async fn assert_unreadable(reply: Reply) {
    let report = run_against(reply).await.unwrap();
    assert_eq!(report.verdict, Verdict::InternalError);
    let hint = "The runner's answer cannot be read";
    assert_eq!(report.hint.as_deref(), Some(hint));
}

#[rstest]
#[case::empty("")]
#[case::html("<html>hello</html>")]
#[case::half(r#"{"run": {"stdout": "x", "std"#)]
#[case::null("null")]
#[case::number("7")]
#[case::list("[]")]
#[case::nothing("{}")]
#[case::no_run(r#"{"language":"python","version":"3.12.0"}"#)]
#[case::not_utf8(
    b"{\"run\":{\"stdout\":\"\xff\",\"code\":0},\"language\":\"x\",\"version\":\"1.0.0\"}"
)]
#[tokio::test]
async fn a_200_without_a_result_is_an_internal_error(#[case] body: impl AsRef<[u8]>) {
    assert_unreadable(Reply::status(200).body(body.as_ref())).await;
}

#[rstest]
#[case::stdout("stdout", json!(1))]
#[case::stderr("stderr", json!(["x"]))]
#[case::code("code", json!("0"))]
#[case::fraction_of_a_code("code", json!(0.5))]
#[case::huge_code("code", json!(4_294_967_296_u64))]
#[case::signal("signal", json!(9))]
#[case::status("status", json!(false))]
#[case::cpu_time("cpu_time", json!("11"))]
#[case::wall_time("wall_time", json!({}))]
#[case::memory("memory", json!(-1))]
#[case::fraction_of_a_byte("memory", json!(1.5))]
#[tokio::test]
async fn a_field_of_the_wrong_type_is_an_internal_error(#[case] field: &str, #[case] value: Value) {
    assert_unreadable(answer(&json!({field: value}))).await;
}

/// Only the output of a program makes an answer so large.
#[rstest]
#[case::declared(Reply::raw(format!("{HEAD}content-length: {}\r\n\r\n", 50 << 20)))]
#[case::undeclared(Reply::raw(format!("{HEAD}\r\n{{\"run\":{{\"stdout\":\"{}", "x".repeat(17 << 20))))]
#[tokio::test]
async fn an_answer_above_the_bound_is_not_read(#[case] reply: Reply) {
    let report = run_against(reply).await.unwrap();
    assert_eq!(report.verdict, Verdict::OutputLimit);
    assert!(report.hint.unwrap().contains("16 MiB"));
}
