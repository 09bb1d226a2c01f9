//! Tests programs that run to completion.

use std::sync::atomic::Ordering;

use coderun_domain::{Attempt, Event, Output, OutputStream, Status, Verdict};
use rstest::rstest;

use super::support::{Harness, verdict};
use crate::NextTake;

#[tokio::test(start_paused = true)]
async fn a_submitted_program_runs_and_its_record_is_complete() {
    let (_, ended) = Harness::completed("print out\ncomplain err").await;
    assert_eq!(ended.status(), Status::Completed);
    let outcome = ended.outcome().unwrap();
    assert_eq!(outcome.output().bytes(), "out");
    assert_eq!(outcome.error_output().bytes(), "err");
    assert_eq!(ended.attempt(), Attempt::from_count(1));
}

#[tokio::test(start_paused = true)]
async fn a_record_has_the_hint_for_what_the_program_wrote() {
    let (_, ended) = Harness::completed("complain no such name").await;
    let report = ended.outcome().unwrap().report().unwrap();
    assert_eq!(report.hint.as_deref(), Some("no such name"));
}

#[tokio::test(start_paused = true)]
async fn output_is_recorded_while_the_program_runs() {
    let harness = Harness::started();
    let id = harness.submit("print first\nuntil-cancelled").await;
    let seen = harness
        .until(id, |event| matches!(event.event, Event::Output(_)))
        .await;
    assert_eq!(seen.status(), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn output_events_together_are_the_kept_output() {
    let (harness, ended) =
        Harness::completed("print a\ncomplain 1\nsleep 1\nprint b\nflood 40000\nprint c").await;
    let outcome = ended.outcome().unwrap();
    for (stream, kept) in [
        (OutputStream::Stdout, outcome.output()),
        (OutputStream::Stderr, outcome.error_output()),
    ] {
        let mut streamed = Vec::new();
        for event in harness.events(ended.id()).await {
            if let Event::Output(chunk) = event.event
                && chunk.stream == stream
            {
                assert!(chunk.bytes.len() <= 16 * 1024);
                streamed.extend_from_slice(&chunk.bytes);
            }
        }
        assert_eq!(&streamed, kept.bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn output_beyond_the_limit_is_cut_and_marked() {
    let harness = Harness::started();
    let limit = 1 << 20;
    let id = harness.submit(&format!("flood {}", limit + 1)).await;
    let ended = harness.final_state(id).await;
    let outcome = ended.outcome().unwrap();
    assert_eq!(outcome.output().bytes().len(), limit);
    assert!(outcome.output().is_truncated());
}

#[tokio::test(start_paused = true)]
async fn output_that_the_runner_did_not_see_is_marked_as_truncated() {
    let (_, ended) = Harness::completed("print head\ncut").await;
    let outcome = ended.outcome().unwrap();
    assert_eq!(outcome.output(), &Output::truncated("head"));
    assert_eq!(outcome.error_output(), &Output::complete(""));
}

#[tokio::test(start_paused = true)]
async fn a_long_run_keeps_its_lease() {
    let harness = Harness::new();
    let _first = harness.start("w1");
    let id = harness.submit("sleep 40").await;
    harness.until_running(id).await;
    let _second = harness.start("w2");
    let ended = harness.final_state(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(1));
    assert_eq!(harness.runner.started.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_a_time_than_there_are_permits() {
    let harness = Harness::new();
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(harness.submit("sleep 1").await);
    }
    let _worker = harness.start("w1");
    for id in ids {
        assert_eq!(verdict(&harness.final_state(id).await), Verdict::Accepted);
    }
    assert_eq!(harness.runner.most_alive.load(Ordering::SeqCst), 2);
}

/// Each of the two permits stays with its task while programs wait, so that nothing else need be woken between two runs;
/// or the worker takes for both, and each run has a task of its own.
#[rstest]
#[case::by_each_run(NextTake::ByEachRun, 2)]
#[case::together(NextTake::Together, 6)]
#[tokio::test(start_paused = true)]
async fn a_run_that_ends_is_followed_by_one_that_waits(
    #[case] next_take: NextTake,
    #[case] tasks: usize,
) {
    let mut harness = Harness::new();
    harness.next_take = next_take;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(harness.submit("sleep 1").await);
    }
    let _worker = harness.start("w1");
    for id in ids {
        harness.final_state(id).await;
    }
    assert_eq!(harness.runner.tasks.lock().len(), tasks);
}

#[tokio::test(start_paused = true)]
async fn many_small_writes_become_few_events() {
    let (harness, ended) = Harness::completed(&"print x\n".repeat(1000)).await;
    assert_eq!(ended.outcome().unwrap().output().bytes().len(), 1000);
    let count = harness.events(ended.id()).await.len();
    assert!(count <= 6, "{count} events");
}
