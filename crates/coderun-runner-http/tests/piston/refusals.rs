//! Programs that Piston did not run, and says so.

use coderun_domain::{CodeRunner, Report, RunnerError, Verdict};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::server::{Piston, Reply};
use crate::support::{eventually, run, runner};

async fn met_with(reply: Reply) -> Result<Report, RunnerError> {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.next([reply]);
    let answer = run(&runner).await;
    assert_eq!(piston.programs().len(), 1, "nothing is sent twice");
    answer
}

fn reason(answer: Result<Report, RunnerError>) -> String {
    match answer {
        Err(RunnerError::Unavailable { reason, .. }) => reason,
        answer => panic!("{answer:?}"),
    }
}

#[rstest]
#[case::limit(
    json!({"message": "run_timeout cannot exceed the configured limit of 9000"}),
    "The runner takes a run_timeout of at most 9000, which is lower than configured here"
)]
#[case::content(
    json!({"message": "files[2].content is required as a string"}),
    "The runner wants each file to have a text for its content"
)]
#[case::size(
    json!({"stack": "PayloadTooLargeError: request entity too large\n    at /piston_api/x.js:1"}),
    "The program with its files and input is larger than the runner takes"
)]
#[case::unknown(json!({"message": "ask admin@piston.internal"}), "The runner does not take the program")]
#[case::nothing(json!({}), "The runner does not take the program")]
#[case::html(json!("<html>"), "The runner does not take the program")]
#[tokio::test]
async fn a_400_is_a_refusal_in_our_own_words(#[case] body: Value, #[case] expected: &str) {
    let report = met_with(Reply::json(400, &body)).await.unwrap();
    assert_eq!(report.verdict, Verdict::Rejected);
    assert_eq!(report.hint.as_deref(), Some(expected));
    assert_eq!(report.ending, None);
}

#[tokio::test]
async fn a_413_is_a_refusal_of_what_is_too_large() {
    let report = met_with(Reply::status(413)).await.unwrap();
    assert_eq!(report.verdict, Verdict::Rejected);
    assert!(report.hint.unwrap().contains("larger"));
}

#[tokio::test]
async fn a_401_is_for_the_operator() {
    assert_eq!(
        reason(met_with(Reply::status(401)).await),
        "the API refused our key"
    );
}

#[tokio::test]
async fn a_403_is_for_the_operator() {
    assert_eq!(
        reason(met_with(Reply::status(403)).await),
        "the API refused our key"
    );
}

#[tokio::test]
async fn a_404_is_for_the_operator() {
    let answer = met_with(Reply::json(404, &json!({"message": "Not Found"}))).await;
    assert_eq!(reason(answer), "there is no such API at this address");
}

#[tokio::test]
async fn a_405_is_for_the_operator() {
    assert_eq!(
        reason(met_with(Reply::status(405)).await),
        "there is no such API at this address"
    );
}

#[tokio::test]
async fn a_415_is_for_the_operator() {
    assert!(reason(met_with(Reply::status(415)).await).contains("does not accept JSON"));
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_redirect_is_not_followed(#[case] status: u16) {
    let elsewhere = Piston::start().await;
    let to = format!("location: {}/execute\r\n", elsewhere.url());
    let answer = met_with(Reply::with(status, &to, b"")).await;
    assert!(reason(answer).contains("redirects"));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_500_without_a_body_is_a_piston_that_failed() {
    let answer = met_with(Reply::status(500)).await;
    assert_eq!(reason(answer), "the API failed with status 500");
}

#[tokio::test]
async fn a_502_with_a_page_is_a_piston_that_is_away() {
    let answer = met_with(Reply::with(502, "", b"<html>nginx</html>")).await;
    assert_eq!(reason(answer), "the API failed with status 502");
}

#[tokio::test]
async fn a_204_is_no_piston() {
    assert!(reason(met_with(Reply::status(204)).await).contains("unexpected status"));
}

#[tokio::test]
async fn a_runtime_that_is_gone_is_unsupported_and_the_list_is_asked_for_again() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.next([Reply::json(
        400,
        &json!({"message": "python-3.12.0 runtime is unknown"}),
    )]);
    let list = json!([{"language": "c", "version": "10.2.0"}]);
    piston.runtimes(Reply::json(200, &list));
    let answer = run(&runner).await;
    assert!(
        matches!(answer, Err(RunnerError::Unsupported { .. })),
        "{answer:?}"
    );
    eventually("the list is new", || runner.languages().len() == 1).await;
}
