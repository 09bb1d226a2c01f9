//! Cancels and drops runs while their programs wait, are sent or run.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::CollectingIo;
use coderun_domain::{CodeRunner, Report, Verdict};
use coderun_piston_standin::{Behavior, PistonStandin, Reply};
use coderun_runner_http::HttpRunner;
use tokio::sync::Notify;

use crate::support::{assert_overloaded, request, run, run_with, setup_with, within};

/// A runner with one permit, for which programs wait this long.
async fn one_permit(start_timeout: Duration) -> (PistonStandin, HttpRunner) {
    setup_with(|config| {
        config.concurrency = 1;
        config.start_timeout = start_timeout;
    })
    .await
}

const BRIEF: Duration = Duration::from_millis(200);
const HOUR: Duration = Duration::from_hours(1);

/// Sends a program and cancels it.
async fn cancel_one(piston: &PistonStandin, runner: &HttpRunner) -> Report {
    let cancel = Arc::new(Notify::new());
    let mut io = CollectingIo::cancelled_by(Arc::clone(&cancel).notified_owned());
    let sent = piston.programs().len() + 1;
    let cancelling = async {
        piston.wait_for_programs(sent).await;
        cancel.notify_one();
    };
    let (report, ()) = tokio::join!(run_with(runner, request(), &mut io), cancelling);
    report.unwrap()
}

/// Checks that the only permit is taken, then lets the first program end and another one run.
async fn assert_permit_is_kept_until_the_end(piston: &PistonStandin, runner: &HttpRunner) {
    assert_overloaded(run(runner).await);
    assert_overloaded(runner.check().await);
    piston.release();
    while run(runner).await.is_err() {}
    assert_eq!(piston.programs().len(), 2);
}

#[tokio::test]
async fn a_cancelled_program_is_abandoned_at_once_and_keeps_its_permit() {
    let (piston, runner) = one_permit(BRIEF).await;
    piston.script([Behavior::Hold]);
    let report = cancel_one(&piston, &runner).await;
    assert_eq!(
        (report.verdict, report.exit_status),
        (Verdict::Cancelled, None)
    );
    assert_eq!(report.enforcement.cancel.as_deref(), Some("abandoned"));
    assert_permit_is_kept_until_the_end(&piston, &runner).await;
}

#[tokio::test]
async fn a_dropped_run_keeps_its_permit_until_the_program_has_ended() {
    let (piston, runner) = one_permit(BRIEF).await;
    piston.script([Behavior::Hold]);
    tokio::select! {
        _ = run(&runner) => panic!("it is held"),
        () = piston.wait_for_programs(1) => {}
    }
    assert_permit_is_kept_until_the_end(&piston, &runner).await;
}

#[tokio::test]
async fn a_program_that_waits_for_a_permit_is_cancelled_at_once_and_never_sent() {
    let (piston, runner) = one_permit(HOUR).await;
    piston.script_all(Behavior::Hold);
    let mut first = CollectingIo::default();
    let mut second = CollectingIo::cancelled_by(std::future::ready(()));
    let running = runner.run(request(), &mut first);
    let waiting = async {
        piston.wait_for_programs(1).await;
        let report = run_with(&runner, request(), &mut second).await.unwrap();
        assert_eq!(report.verdict, Verdict::Cancelled);
        assert_eq!(
            (report.exit_status, report.enforcement.cancel),
            (None, None)
        );
        piston.release();
    };
    let (first, ()) = within(async { tokio::join!(running, waiting) }).await;
    assert!(first.is_ok());
    assert!(run(&runner).await.is_ok(), "the permit is free again");
    assert_eq!(piston.programs().len(), 2);
}

#[tokio::test]
async fn a_program_that_waits_for_an_overloaded_piston_is_cancelled_at_once() {
    let (piston, runner) = one_permit(HOUR).await;
    piston.script_all(Reply::status(429).header("retry-after", "20"));
    assert_eq!(
        cancel_one(&piston, &runner).await.verdict,
        Verdict::Cancelled
    );
    assert_eq!(piston.programs().len(), 1);
}

#[tokio::test]
async fn a_run_that_is_dropped_before_it_was_sent_is_never_sent() {
    let (piston, runner) = one_permit(Duration::from_secs(5)).await;
    for round in 0..20 {
        let mut io = CollectingIo::default();
        // On this runtime of one thread the call has started, and nothing of it was sent.
        tokio::select! {
            biased;
            _ = runner.run(request(), &mut io) => panic!("nothing has answered"),
            () = std::future::ready(()) => {}
        }
        // A program that was sent would keep the only permit until it was answered.
        assert!(run(&runner).await.is_ok());
        assert_eq!(piston.programs().len(), round + 1);
    }
}
