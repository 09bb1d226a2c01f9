//! Pins what becomes of a program that meets a fault, and that the fault delays no other program.

use std::time::Duration;

use coderun_domain::{CodeRunner, Verdict};
use coderun_piston_standin::Reply;
use rstest::rstest;
use tokio::time::Instant;

use crate::support::{
    assert_overloaded, assert_unavailable, limits, run, run_within, setup_with, short_deadlines,
    short_limits,
};

/// What becomes of the program.
#[derive(Debug)]
enum Outcome {
    /// It is sent once more, and runs.
    Retried,
    /// It fails for this reason.
    Unavailable(&'static str),
    /// It has this verdict.
    Verdict(Verdict),
}

/// Whether the program ends after another that was sent later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Slow,
    Any,
}

use Outcome::{Retried, Unavailable};

/// An answer of this size, which has the output of the program twice.
fn ten_megabytes() -> Reply {
    Reply::success(&"x".repeat(5_000_000))
}

#[rstest]
#[case::busy_for_a_second(Reply::status(429).header("retry-after", "1"), Retried, Pace::Slow)]
#[case::busy_for_an_hour(
    Reply::status(429).header("retry-after", "3600"),
    Unavailable("asks not to be called"),
    Pace::Any
)]
#[case::busy(Reply::status(429), Retried, Pace::Any)]
#[case::unavailable(Reply::status(503), Retried, Pace::Any)]
#[case::unauthorized(Reply::status(401), Unavailable("refused our key"), Pace::Any)]
#[case::not_found(Reply::status(404), Unavailable("no such API"), Pace::Any)]
#[case::failed(Reply::status(500), Unavailable("failed with status 500"), Pace::Any)]
#[case::reset(Reply::reset(), Unavailable("lost before the answer"), Pace::Any)]
#[case::no_answer(Reply::never(), Unavailable("no answer in time"), Pace::Slow)]
#[case::a_byte_at_a_time(
    Reply::success("out").byte_by_byte(Duration::from_millis(200)),
    Unavailable("no answer in time"),
    Pace::Slow
)]
#[case::ten_megabytes(ten_megabytes(), Outcome::Verdict(Verdict::OutputLimit), Pace::Any)]
#[case::nested_json(
    Reply::nested_json(200_000),
    Outcome::Verdict(Verdict::InternalError),
    Pace::Any
)]
#[tokio::test]
async fn a_fault_has_one_outcome_and_delays_no_other_program(
    #[case] reply: Reply,
    #[case] outcome: Outcome,
    #[case] pace: Pace,
) {
    let (piston, runner) = setup_with(short_deadlines).await;
    piston.script([reply.clone()]);
    let faulty = async {
        let result = run_within(&runner, short_limits()).await;
        (result.map(|(report, _)| report), Instant::now())
    };
    let other = async {
        piston.wait_for_programs(1).await;
        runner.check().await.unwrap();
        (run(&runner).await, Instant::now())
    };
    let begun = Instant::now();
    let ((result, end), (other, other_end)) = tokio::join!(faulty, other);
    assert_eq!(other.unwrap().verdict, Verdict::Accepted);
    if pace == Pace::Slow {
        assert!(other_end < end && end - begun >= Duration::from_secs(1));
    }
    let times_sent = piston.programs().len() - 1;
    assert_eq!(times_sent, if matches!(outcome, Retried) { 2 } else { 1 });
    match outcome {
        Retried => assert_eq!(result.unwrap().verdict, Verdict::Accepted),
        Unavailable(reason) => assert_unavailable(result, reason),
        Outcome::Verdict(verdict) => assert_eq!(result.unwrap().verdict, verdict),
    }
    if pace == Pace::Any {
        piston.script([reply]);
        drop(run_within(&runner, short_limits()).await);
        runner.check().await.unwrap();
    }
}

#[tokio::test]
async fn refused_connections_delay_no_other_program() {
    let (piston, runner) = setup_with(|config| config.start_timeout = Duration::ZERO).await;
    drop(piston);
    let mut checked = Ok(());
    while checked.is_ok() {
        tokio::task::yield_now().await;
        checked = runner.check().await;
    }
    assert_unavailable(checked, "connection refused");
    for result in <[_; 2]>::from(tokio::join!(run(&runner), run(&runner))) {
        assert_overloaded(result);
    }
}

#[tokio::test]
async fn the_head_of_ten_megabytes_is_kept_and_known_to_be_cut() {
    let (piston, runner) = setup_with(|_| ()).await;
    piston.script([ten_megabytes()]);
    let (report, io) = run_within(&runner, limits()).await.unwrap();
    assert_eq!(report.verdict, Verdict::OutputLimit);
    let limit = limits().storage.output().as_bytes();
    assert_eq!(
        io.stdout.len() as u64,
        limit + 1,
        "one byte more shows that it was cut"
    );
}
