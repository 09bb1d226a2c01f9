//! Checks whether a program could be run now.

use std::sync::Arc;

use coderun_domain::{CodeRunner, RunnerError};
use coderun_piston_standin::{PistonStandin, Reply};
use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{assert_unavailable, config, run, setup, start, start_piston};

fn list_requests(piston: &PistonStandin) -> usize {
    let requests = piston.requests();
    let lists = requests.iter().filter(|it| it.path == "/api/v2/runtimes");
    lists.count()
}

#[tokio::test]
async fn concurrent_checks_share_one_request() {
    let (piston, runner) = setup().await;
    let runner = Arc::new(runner);
    piston.script([Reply::status(500)]);
    assert!(run(&runner).await.is_err());
    let before = list_requests(&piston);
    let mut checks = JoinSet::new();
    for _ in 0..20 {
        let runner = Arc::clone(&runner);
        checks.spawn(async move { runner.check().await });
    }
    while let Some(checked) = checks.join_next().await {
        checked.unwrap().unwrap();
    }
    assert_eq!(list_requests(&piston), before + 1);
}

#[tokio::test]
async fn after_a_failed_run_an_earlier_check_does_not_count() {
    let (piston, runner) = setup().await;
    assert!(runner.check().await.is_ok());
    piston.script_runtimes(Reply::status(502));
    piston.script([Reply::reset()]);
    assert!(run(&runner).await.is_err());
    assert_unavailable(runner.check().await, "502");
}

#[rstest]
#[case::key(Reply::status(401), "the API refused our key")]
#[case::address(Reply::status(404), "there is no such API at this address")]
#[case::other(Reply::status(400), "there is no Piston at this address")]
#[case::away(Reply::status(502), "the API failed with status 502")]
#[case::empty(Reply::json(200, &json!([])), "the API has no language installed")]
#[case::too_long(Reply::json(200, &json!(["x".repeat(300_000)])), "larger than 256 KiB")]
#[case::reset(Reply::reset(), "lost before the answer")]
#[case::never(Reply::never(), "there was no answer in time")]
#[tokio::test]
async fn a_failed_check_says_why(#[case] reply: Reply, #[case] expected: &str) {
    let piston = start_piston().await;
    piston.script_runtimes(reply);
    let runner = start(config(&piston)).await;
    assert_unavailable(runner.check().await, expected);
}

#[tokio::test]
async fn a_malformed_list_is_a_broken_api() {
    let piston = start_piston().await;
    piston.script_runtimes(Reply::status(200).body("<html>"));
    let checked = start(config(&piston)).await.check().await;
    assert!(matches!(checked, Err(RunnerError::Broken { .. })));
}
