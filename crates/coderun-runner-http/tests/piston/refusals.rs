//! Sends programs that Piston refuses, and reads other statuses than 200.

use coderun_domain::Verdict;
use coderun_piston_standin::Reply;
use rstest::rstest;

use crate::support::{assert_unavailable, run_against, start_piston};

#[rstest]
#[case::limit(
    Reply::message(400, "run_timeout cannot exceed the configured limit of 9000"),
    "The runner takes a run_timeout of at most 9000, which is lower than configured here"
)]
#[case::size(
    Reply::status(413),
    "The program with its files and input is larger than the runner takes"
)]
#[case::unknown(
    Reply::message(400, "ask admin@piston.internal"),
    "The runner does not take the program"
)]
#[tokio::test]
async fn a_refused_program_is_rejected_in_our_own_words(
    #[case] reply: Reply,
    #[case] expected: &str,
) {
    let report = run_against(reply).await.unwrap();
    assert_eq!(
        (report.verdict, report.exit_status),
        (Verdict::Rejected, None)
    );
    assert_eq!(report.hint.as_deref(), Some(expected));
}

#[rstest]
#[case(403, "the API refused our key")]
#[case(405, "there is no such API at this address")]
#[case(415, "does not accept JSON")]
#[case(204, "unexpected status")]
#[case(502, "the API failed with status 502")]
#[tokio::test]
async fn other_statuses_are_for_the_operator(#[case] status: u16, #[case] expected: &str) {
    assert_unavailable(run_against(Reply::status(status)).await, expected);
}

#[rstest]
#[tokio::test]
async fn a_redirect_is_not_followed(#[values(301, 302, 307, 308)] status: u16) {
    let target = start_piston().await;
    let location = format!("{}/execute", target.api_url());
    let redirect = Reply::status(status).header("location", &location);
    assert_unavailable(run_against(redirect).await, "redirects");
    assert!(target.requests().is_empty());
}
