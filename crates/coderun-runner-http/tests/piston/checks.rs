//! Whether a program could be run now.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{CodeRunner, RunnerError};
use coderun_runner_http::HttpRunnerConfig;
use rstest::rstest;

use crate::support::server::{Piston, Reply};
use crate::support::{config, run, runner, start};

const RUNTIMES: &str = "/api/v2/runtimes";

#[tokio::test]
async fn many_who_ask_at_a_time_ask_once() {
    let piston = Piston::start().await;
    let runner = Arc::new(runner(&piston).await);
    piston.next([Reply::status(500)]);
    assert!(run(&runner).await.is_err());
    let before = piston.count_of(RUNTIMES);
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let runner = Arc::clone(&runner);
        asking.spawn(async move { runner.check().await });
    }
    while let Some(checked) = asking.join_next().await {
        checked.unwrap().unwrap();
    }
    assert_eq!(piston.count_of(RUNTIMES), before + 1);
}

#[tokio::test]
async fn after_a_failure_what_was_seen_before_does_not_count() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    assert!(runner.check().await.is_ok());
    piston.runtimes(Reply::status(502));
    piston.next([Reply::Reset]);
    assert!(run(&runner).await.is_err());
    let checked = runner.check().await;
    assert!(
        matches!(checked, Err(RunnerError::Unavailable { .. })),
        "{checked:?}"
    );
}

#[rstest]
#[case::key(Reply::status(401), "the API refused our key")]
#[case::address(Reply::status(404), "there is no such API at this address")]
#[case::other(Reply::status(400), "there is no Piston at this address")]
#[case::away(Reply::status(502), "the API failed with status 502")]
#[case::empty(Reply::json(200, &serde_json::json!([])), "the API has no language installed")]
#[case::reset(Reply::Reset, "lost before the answer")]
#[case::silent(Reply::Hang, "there was no answer in time")]
#[tokio::test]
async fn what_is_wrong_is_said(#[case] reply: Reply, #[case] expected: &str) {
    let piston = Piston::start().await;
    piston.runtimes(reply);
    let runner = runner(&piston).await;
    let Err(RunnerError::Unavailable { reason, .. }) = runner.check().await else {
        panic!("it does not work");
    };
    assert!(reason.contains(expected), "{reason}");
}

#[tokio::test]
async fn a_list_that_is_none_is_a_broken_piston() {
    let piston = Piston::start().await;
    piston.runtimes(Reply::with(200, "", b"<html>"));
    let checked = runner(&piston).await.check().await;
    assert!(
        matches!(checked, Err(RunnerError::Broken { .. })),
        "{checked:?}"
    );
}

#[tokio::test]
async fn a_check_that_is_given_up_does_not_block_the_next() {
    let piston = Piston::start().await;
    let runner = start(HttpRunnerConfig {
        refresh_interval: Duration::from_hours(1),
        ..config(&piston)
    })
    .await;
    piston.runtimes(Reply::Hang);
    piston.next([Reply::status(500)]);
    assert!(run(&runner).await.is_err());
    let patience = Duration::from_millis(50);
    assert!(
        tokio::time::timeout(patience, runner.check())
            .await
            .is_err()
    );
    piston.runtimes(Reply::json(200, &crate::support::server::runtimes()));
    assert!(runner.check().await.is_ok());
}
