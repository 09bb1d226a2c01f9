//! A Piston that is busy or away, and how long that is borne.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use coderun_domain::{CodeRunner, RunnerError, Verdict};
use coderun_runner_http::HttpRunnerConfig;
use rstest::rstest;

use crate::support::server::{Piston, Reply};
use crate::support::{Listener, config, impatient, request, run, runner, soon, start};

#[rstest]
#[case(429)]
#[case(503)]
#[tokio::test]
async fn a_busy_piston_is_asked_again(#[case] status: u16) {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.next([Reply::status(status), Reply::status(status)]);
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs().len(), 3);
}

#[tokio::test]
async fn a_busy_piston_is_asked_again_when_it_said_so() {
    let piston = Piston::start().await;
    let runner = runner(&piston).await;
    piston.next([Reply::with(429, "retry-after: 1\r\n", b"")]);
    let begun = tokio::time::Instant::now();
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

async fn refused_with(headers: &str) -> (RunnerError, coderun_runner_http::HttpRunner, Piston) {
    let piston = Piston::start().await;
    let runner = impatient(&piston).await;
    piston.next([Reply::with(429, headers, b"{\"message\":\"slow down\"}")]);
    let error = run(&runner).await.unwrap_err();
    (error, runner, piston)
}

#[rstest]
#[case::none("", None)]
#[case::seconds("retry-after: 7\r\n", Some(7))]
#[tokio::test]
async fn a_429_is_overload_of_one_program_and_holds_up_no_other(
    #[case] headers: &str,
    #[case] expected: Option<u64>,
) {
    let (error, runner, piston) = refused_with(headers).await;
    let RunnerError::Overloaded { retry_after } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, expected.map(Duration::from_secs));
    runner.check().await.unwrap();
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs().len(), 2);
}

#[tokio::test]
async fn a_429_with_a_time_that_is_too_long_is_not_waited_for_and_holds_up_no_other() {
    let (error, runner, piston) = refused_with("retry-after: 3600\r\n").await;
    assert!(
        matches!(error, RunnerError::Unavailable { .. }),
        "{error:?}"
    );
    runner.check().await.unwrap();
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs().len(), 2);
}

#[tokio::test]
async fn a_429_with_a_date_is_overload_until_then() {
    let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_011));
    let now = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000));
    let (error, ..) = refused_with(&format!("retry-after: {date}\r\ndate: {now}\r\n")).await;
    let RunnerError::Overloaded { retry_after } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(11)));
}

#[tokio::test]
async fn a_piston_that_refuses_program_after_program_is_left_alone_for_a_bounded_time() {
    let piston = Piston::start().await;
    let runner = impatient(&piston).await;
    piston.always(Reply::with(429, "retry-after: 3600\r\n", b""));
    for _ in 0..5 {
        runner.check().await.unwrap();
        assert!(run(&runner).await.is_err());
    }
    let checked = runner.check().await;
    let Err(RunnerError::Overloaded { retry_after }) = checked else {
        panic!("{checked:?}");
    };
    let thirty_seconds = Duration::from_secs(30);
    assert!(
        retry_after.is_some_and(|wait| wait <= thirty_seconds),
        "{retry_after:?}"
    );
}

#[tokio::test]
async fn a_503_that_does_not_pass_is_overload() {
    let piston = Piston::start().await;
    let runner = start(HttpRunnerConfig {
        start_timeout: Duration::from_secs(2),
        ..config(&piston)
    })
    .await;
    piston.always(Reply::with(503, "", b"<html>"));
    let answer = run(&runner).await;
    assert!(
        matches!(answer, Err(RunnerError::Overloaded { .. })),
        "{answer:?}"
    );
    assert!(piston.programs().len() > 1);
}

#[tokio::test]
async fn a_connection_that_is_refused_is_tried_again() {
    let piston = Piston::start().await;
    let runner = Arc::new(runner(&piston).await);
    let address = piston.address();
    drop(piston);
    until_it_is_away(&runner).await;
    let running = {
        let runner = Arc::clone(&runner);
        tokio::spawn(async move { run(&runner).await })
    };
    // It goes on trying, also when it has tried already.
    tokio::task::yield_now().await;
    let piston = Piston::at(address).await;
    assert_eq!(running.await.unwrap().unwrap().verdict, Verdict::Accepted);
    assert_eq!(piston.programs().len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_refused_for_too_long_is_a_piston_that_is_away() {
    let piston = Piston::start().await;
    let runner = impatient(&piston).await;
    drop(piston);
    until_it_is_away(&runner).await;
    let answer = run(&runner).await;
    let Err(RunnerError::Unavailable { reason, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(reason, "no connection could be made (connection refused)");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_run_at_a_time_and_the_next_one_waits() {
    let piston = Piston::start().await;
    let runner = Arc::new(
        start(HttpRunnerConfig {
            start_timeout: Duration::from_secs(20),
            ..config(&piston)
        })
        .await,
    );
    piston.always(Reply::Held);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..65 {
        let runner = Arc::clone(&runner);
        running.spawn(async move { run(&runner).await });
    }
    piston.wait_for_programs(64).await;
    // Whatever would be sent now is sent before the answer to this.
    for _ in 0..20 {
        drop(runner.check().await);
        tokio::task::yield_now().await;
    }
    assert_eq!(piston.programs().len(), 64);
    piston.release();
    while let Some(answer) = soon(running.join_next()).await {
        assert!(answer.unwrap().is_ok());
    }
    assert_eq!(piston.programs().len(), 65);
}

#[tokio::test]
async fn waiting_for_a_place_ends_in_overload() {
    let piston = Piston::start().await;
    let runner = start(HttpRunnerConfig {
        concurrency: 1,
        start_timeout: Duration::from_millis(200),
        ..config(&piston)
    })
    .await;
    piston.always(Reply::Held);
    let mut listener = Listener::default();
    let first = runner.run(request(), &mut listener);
    let second = async {
        piston.wait_for_programs(1).await;
        let answer = run(&runner).await;
        assert!(
            matches!(answer, Err(RunnerError::Overloaded { .. })),
            "{answer:?}"
        );
        piston.release();
    };
    let (first, ()) = soon(async { tokio::join!(first, second) }).await;
    assert!(first.is_ok());
    assert_eq!(piston.programs().len(), 1);
}

/// Waits until a connection that was kept is not used any more.
async fn until_it_is_away(runner: &coderun_runner_http::HttpRunner) {
    while runner.check().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
