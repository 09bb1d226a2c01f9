//! Programs that nobody waits for any more.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{CodeRunner, RunnerError, Verdict};
use coderun_runner_http::{HttpRunner, HttpRunnerConfig};
use serde_json::json;

use crate::support::server::{Piston, Reply};
use crate::support::{Listener, answer, config, request, run, run_with, soon, start};

async fn with_one_place(piston: &Piston, start_timeout: Duration) -> HttpRunner {
    start(HttpRunnerConfig {
        concurrency: 1,
        start_timeout,
        ..config(piston)
    })
    .await
}

#[tokio::test]
async fn a_cancelled_program_is_abandoned_at_once_and_keeps_its_permit() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_millis(200)).await;
    piston.next([Reply::Held]);
    let mut listener = Listener::default();
    let cancel = Arc::clone(&listener.cancel);
    let cancelling = async {
        piston.wait_for_programs(1).await;
        cancel.notify_one();
    };
    let (report, ()) = tokio::join!(run_with(&runner, request(), &mut listener), cancelling);
    let report = report.unwrap();
    assert_eq!((report.verdict, report.ending), (Verdict::Cancelled, None));
    assert_eq!(report.enforcement.cancel.as_deref(), Some("abandoned"));
    for answer in [run(&runner).await.map(drop), runner.check().await] {
        assert!(
            matches!(answer, Err(RunnerError::Overloaded { .. })),
            "{answer:?}"
        );
    }
    piston.release();
    while run(&runner).await.is_err() {}
    assert_eq!(piston.programs().len(), 2);
}

#[tokio::test]
async fn a_program_that_waits_for_a_place_is_cancelled_at_once_and_never_sent() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_hours(1)).await;
    piston.always(Reply::Held);
    let mut first = Listener::default();
    let mut second = Listener::default();
    let running = runner.run(request(), &mut first);
    let waiting = async {
        piston.wait_for_programs(1).await;
        second.cancel.notify_one();
        let report = run_with(&runner, request(), &mut second).await.unwrap();
        assert_eq!(report.verdict, Verdict::Cancelled);
        assert_eq!((report.ending, report.enforcement.cancel), (None, None));
        piston.release();
    };
    let (first, ()) = soon(async { tokio::join!(running, waiting) }).await;
    assert!(first.is_ok());
    assert_eq!(piston.programs().len(), 1);
}

#[tokio::test]
async fn a_program_that_waits_for_a_busy_piston_is_cancelled_at_once() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_hours(1)).await;
    piston.always(Reply::with(429, "retry-after: 20\r\n", b""));
    let mut listener = Listener::default();
    let cancel = Arc::clone(&listener.cancel);
    let cancelling = async {
        piston.wait_for_programs(1).await;
        cancel.notify_one();
    };
    let (report, ()) = tokio::join!(run_with(&runner, request(), &mut listener), cancelling);
    assert_eq!(report.unwrap().verdict, Verdict::Cancelled);
    assert_eq!(piston.programs().len(), 1);
}

#[tokio::test]
async fn a_run_that_is_dropped_keeps_its_place_until_the_program_has_ended() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_millis(200)).await;
    piston.next([Reply::Held]);
    let mut listener = Listener::default();
    tokio::select! {
        _ = runner.run(request(), &mut listener) => panic!("it is held"),
        () = piston.wait_for_programs(1) => {}
    }
    let refused = run(&runner).await;
    assert!(
        matches!(refused, Err(RunnerError::Overloaded { .. })),
        "{refused:?}"
    );
    piston.release();
    while run(&runner).await.is_err() {}
    assert_eq!(
        piston.programs().len(),
        2,
        "the first, and the one that had a place"
    );
}

#[tokio::test]
async fn a_run_whose_connection_was_lost_keeps_its_place_until_it_must_have_ended() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_millis(200)).await;
    piston.next([Reply::Reset]);
    assert!(matches!(
        run(&runner).await,
        Err(RunnerError::Unavailable { .. })
    ));
    let refused = run(&runner).await;
    assert!(
        matches!(refused, Err(RunnerError::Overloaded { .. })),
        "{refused:?}"
    );
    assert_eq!(piston.programs().len(), 1);
    let checked = runner.check().await;
    assert!(
        matches!(checked, Err(RunnerError::Overloaded { .. })),
        "no new program is taken meanwhile: {checked:?}"
    );
}

#[tokio::test]
async fn a_run_that_is_dropped_while_it_waits_sends_nothing() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_hours(1)).await;
    piston.next([Reply::Held]);
    let mut first = Listener::default();
    let running = runner.run(request(), &mut first);
    let dropping = async {
        piston.wait_for_programs(1).await;
        let mut second = Listener::default();
        {
            let waiting = runner.run(request(), &mut second);
            tokio::pin!(waiting);
            for _ in 0..10 {
                tokio::select! {
                    biased;
                    _ = &mut waiting => panic!("there is no place"),
                    () = tokio::task::yield_now() => {}
                }
            }
        }
        piston.release();
    };
    let (first, ()) = soon(async { tokio::join!(running, dropping) }).await;
    assert!(first.is_ok());
    piston.next([answer(&json!({}))]);
    assert!(run(&runner).await.is_ok(), "the place is free again");
    assert_eq!(piston.programs().len(), 2);
}

#[tokio::test]
async fn a_run_that_is_dropped_before_it_was_sent_is_never_sent() {
    let piston = Piston::start().await;
    let runner = with_one_place(&piston, Duration::from_secs(5)).await;
    for round in 0..20 {
        let mut listener = Listener::default();
        {
            let running = runner.run(request(), &mut listener);
            tokio::pin!(running);
            // On this runtime of one thread the exchange has begun, and nothing of it was sent.
            tokio::select! {
                biased;
                _ = &mut running => panic!("nobody has answered"),
                () = std::future::ready(()) => {}
            }
        }
        // What was sent would keep the one place until it was answered.
        assert!(run(&runner).await.is_ok());
        assert_eq!(piston.programs().len(), round + 1);
    }
}
