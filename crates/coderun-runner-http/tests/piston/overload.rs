//! Runs programs on a Piston that is overloaded or away.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use coderun_domain::{CodeRunner, Verdict};
use coderun_piston_standin::{Behavior, PistonStandin, Reply};
use coderun_runner_http::HttpRunner;
use rstest::rstest;
use tokio::task::JoinSet;

use crate::support::{assert_overloaded, run, setup, setup_with, start_piston_on, within};

/// A runner that never waits.
async fn impatient() -> (PistonStandin, HttpRunner) {
    setup_with(|config| config.start_timeout = Duration::ZERO).await
}

#[tokio::test]
async fn an_overload_that_does_not_pass_is_reported_as_such() {
    let (piston, runner) = setup_with(|config| config.start_timeout = Duration::from_secs(2)).await;
    piston.script_all(Reply::status(503).body("<html>"));
    assert_overloaded(run(&runner).await);
    assert!(piston.programs().len() > 1);
}

fn date(seconds: u64) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[rstest]
#[case::none(Reply::status(429), None)]
#[case::seconds(Reply::status(429).header("retry-after", "7"), Some(7))]
#[case::date(
    Reply::status(429).header("retry-after", &date(2_000_000_011)).header("date", &date(2_000_000_000)),
    Some(11)
)]
#[tokio::test]
async fn retry_after_is_passed_on_where_there_is_no_time_to_wait(
    #[case] reply: Reply,
    #[case] seconds: Option<u64>,
) {
    let (piston, runner) = impatient().await;
    piston.script([reply]);
    let retry_after = assert_overloaded(run(&runner).await);
    assert_eq!(retry_after, seconds.map(Duration::from_secs));
    runner.check().await.unwrap();
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_piston_that_refuses_program_after_program_is_left_alone_for_a_bounded_time() {
    let (piston, runner) = impatient().await;
    piston.script_all(Reply::status(429).header("retry-after", "3600"));
    for _ in 0..5 {
        runner.check().await.unwrap();
        assert!(run(&runner).await.is_err());
    }
    let retry_after = assert_overloaded(runner.check().await);
    assert!(retry_after.is_some_and(|wait| wait <= Duration::from_secs(30)));
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let (piston, runner) = setup().await;
    let address = piston.address();
    drop(piston);
    while runner.check().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let restarting = async {
        // The first try is refused.
        tokio::task::yield_now().await;
        start_piston_on(address.port()).await
    };
    let (result, piston) = tokio::join!(run(&runner), restarting);
    assert_eq!(result.unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_programs_run_at_a_time_and_the_next_waits() {
    let (piston, runner) =
        setup_with(|config| config.start_timeout = Duration::from_secs(20)).await;
    let runner = Arc::new(runner);
    piston.script_all(Behavior::Hold);
    let mut running = JoinSet::new();
    for _ in 0..65 {
        let runner = Arc::clone(&runner);
        running.spawn(async move { run(&runner).await });
    }
    piston.wait_for_programs(64).await;
    // A program that is sent now arrives before the answer to this.
    for _ in 0..20 {
        drop(runner.check().await);
        tokio::task::yield_now().await;
    }
    assert_eq!(piston.programs().len(), 64);
    piston.release();
    while let Some(result) = within(running.join_next()).await {
        assert!(result.unwrap().is_ok());
    }
    assert_eq!(piston.programs().len(), 65);
}
