//! Programs that Piston did not run, and says so.

use std::time::Duration;

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
    json!({"message": "run_timeout cannot exceed the configured limit of 9000000"}),
    "The runner takes a run_timeout of at most 9000000 ms"
)]
#[case::memory(
    json!({"message": "run_memory_limit cannot exceed the configured limit of 999999999999"}),
    "The runner takes a run_memory_limit of at most 999999999999 bytes"
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
    assert_eq!(reason(answer), "there is no Piston at this address");
}

#[tokio::test]
async fn a_405_is_for_the_operator() {
    assert_eq!(
        reason(met_with(Reply::status(405)).await),
        "there is no Piston at this address"
    );
}

#[tokio::test]
async fn a_415_is_for_the_operator() {
    assert!(reason(met_with(Reply::status(415)).await).contains("does not take JSON"));
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
async fn a_500_without_a_body_is_a_broken_piston() {
    let answer = met_with(Reply::status(500)).await;
    assert!(
        matches!(answer, Err(RunnerError::Broken { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_502_with_a_page_is_a_piston_that_is_away() {
    let answer = met_with(Reply::with(502, "", b"<html>nginx</html>")).await;
    assert_eq!(reason(answer), "the API failed with status 502");
}

#[tokio::test]
async fn a_204_is_no_piston() {
    assert!(reason(met_with(Reply::status(204)).await).contains("no Piston"));
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

#[tokio::test]
async fn a_limit_that_piston_lowered_is_met_by_sending_less() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.configure_run_timeout(3000);
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
    let sent = piston.programs();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].json()["run_timeout"], 3000);
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs().len(), 3, "it is known from then on");
    let maximum = runner.maximum_limits().unwrap();
    assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_limit_that_is_refused_though_it_is_kept_is_a_rejection() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let refusal = json!({"message": "run_timeout cannot exceed the configured limit of 9000000"});
    piston.always(Reply::json(400, &refusal));
    let report = run(&runner).await.unwrap();
    assert_eq!(report.verdict, Verdict::Rejected);
    assert_eq!(piston.programs().len(), 1);
}

/// However it answers.
#[tokio::test]
async fn limits_are_lowered_once_each_at_most() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    let refusals = (1..=20).rev().map(|max| {
        let text = format!("run_timeout cannot exceed the configured limit of {max}");
        Reply::json(400, &json!({"message": text}))
    });
    piston.next(refusals);
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Rejected);
    assert_eq!(piston.programs().len(), 7);
}
