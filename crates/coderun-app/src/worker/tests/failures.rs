//! Tests runners and queues that fail.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use coderun_domain::testing::store_policy;
use coderun_domain::{Attempt, ExecutionQueue, ExecutionStore as _, Verdict, WorkerId};

use rstest::rstest;

use super::flaky_queue::FlakyQueue;
use super::support::{Harness, ended, explanation, verdict};

#[rstest]
#[case::unavailable_by_the_workers_bound("unavailable", Verdict::InternalError, 2)]
#[case::without_the_language_at_once("unsupported", Verdict::Rejected, 1)]
#[tokio::test(start_paused = true)]
async fn a_runner_that_keeps_failing_ends_the_execution_after_the_last_attempt(
    #[case] failure: &str,
    #[case] expected: Verdict,
    #[case] attempts: u32,
) {
    let (_, ended) = Harness::completed(failure).await;
    assert_eq!(verdict(&ended), expected);
    assert_eq!(ended.attempt(), Attempt::from_count(attempts));
    if attempts > 1 {
        let text = format!("The program could not be run in {attempts} attempts");
        assert_eq!(explanation(&ended), text);
    }
}

/// It has not tried, so the execution waits for it as long as for a worker.
#[tokio::test(start_paused = true)]
async fn an_overloaded_runner_uses_up_no_attempts() {
    let harness = Harness::started();
    let began = tokio::time::Instant::now();
    let ended = harness
        .final_state(harness.submit("overloaded").await)
        .await;
    let waited = began.elapsed();
    assert!(waited >= store_policy().queue_deadline, "{waited:?}");
    assert!(ended.attempt() > Attempt::from_count(3));
    assert_eq!(verdict(&ended), Verdict::InternalError);
    let text = "The execution waited too long for a worker";
    assert_eq!(explanation(&ended), text);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_found_the_runner_overloaded_leave_those_that_may_fail() {
    let harness = Harness::started();
    harness.runner.overloads.store(3, Ordering::SeqCst);
    let ended = harness
        .final_state(harness.submit("unavailable").await)
        .await;
    assert_eq!(ended.attempt(), Attempt::from_count(5));
    let text = "The program could not be run in 2 attempts";
    assert_eq!(explanation(&ended), text);
}

/// One attempt shows that the runner has too much to do; it costs no other.
#[tokio::test(start_paused = true)]
async fn a_worker_whose_runner_is_overloaded_takes_nothing_until_it_works_again() {
    let (harness, _) = Harness::running("overloaded").await;
    harness.runner.is_broken.store(true, Ordering::SeqCst);
    let second = harness.submit("print hello").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(harness.get(second).await.attempt(), Attempt::NONE);
    harness.runner.is_broken.store(false, Ordering::SeqCst);
    let ended = harness.final_state(second).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_runner_is_broken_takes_nothing_until_it_works_again() {
    let harness = Harness::new();
    harness.runner.is_broken.store(true, Ordering::SeqCst);
    let _worker = harness.start("w1");
    let id = harness.submit("print hello").await;
    // A worker whose runner has never worked is not announced, so that the execution would end after a minute.
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(harness.get(id).await.attempt(), Attempt::NONE);
    harness.runner.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(verdict(&harness.final_state(id).await), Verdict::Accepted);
}

/// One attempt shows that the runner broke; it costs no other.
#[tokio::test(start_paused = true)]
async fn a_runner_that_breaks_uses_up_one_attempt() {
    let harness = Harness::started();
    let first = harness.submit("print hello").await;
    harness.final_state(first).await;
    harness.runner.is_broken.store(true, Ordering::SeqCst);
    let second = harness.submit("print hello").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(harness.get(second).await.attempt(), Attempt::from_count(1));
    harness.runner.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(
        verdict(&harness.final_state(second).await),
        Verdict::Accepted
    );
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_never_answers_is_given_up_and_its_output_kept() {
    let (harness, ended) = Harness::completed("print head\nhang").await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert_eq!(ended.outcome().unwrap().output().bytes(), "head");
    assert_eq!(harness.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_recorded_at_once_is_recorded_later() {
    let harness = Harness::new();
    let _worker = harness.start_flaky(|queue| queue.finishes_to_lose.store(6, Ordering::SeqCst));
    let id = harness.submit("print kept").await;
    let ended = harness.final_state(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(1), "it ran once");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_doubles_nothing() {
    let harness = Harness::new();
    let _worker = harness.start_flaky(|queue| queue.replies_to_lose.store(3, Ordering::SeqCst));
    let id = harness.submit("print a\nsleep 1\nprint b").await;
    harness.final_state(id).await;
    let numbers: Vec<_> = harness
        .events(id)
        .await
        .iter()
        .map(|event| event.sequence.number())
        .collect();
    assert_eq!(
        numbers,
        [1, 2, 3, 4, 5],
        "submitted, taken, `a`, `b`, finished"
    );
}

/// A queue that took over from another one has lost some of the output: the run is made again, not recorded over a gap.
#[tokio::test(start_paused = true)]
async fn a_run_whose_recorded_output_was_lost_is_repeated() {
    let harness = Harness::new();
    let _worker = harness.start_flaky(|queue| queue.gaps.store(1, Ordering::SeqCst));
    let id = harness.submit("print first\nsleep 1").await;
    let ended = harness.final_state(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(2));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_before_the_lease_is_over() {
    let harness = Harness::new();
    let _first = harness.start_flaky(|queue| queue.renewals_to_lose.store(2, Ordering::SeqCst));
    let id = harness.submit("sleep 30").await;
    harness.until_running(id).await;
    let _second = harness.start("w2");
    let ended = harness.final_state(id).await;
    assert_eq!(ended.attempt(), Attempt::from_count(1));
}

#[tokio::test(start_paused = true)]
async fn the_execution_of_a_worker_that_vanished_is_taken_over_within_15_seconds() {
    let harness = Harness::new();
    let id = harness.submit("print done").await;
    let vanished = WorkerId::parse("vanished").unwrap();
    let languages = [coderun_domain::testing::language("python")];
    let lease = harness
        .backend
        .take(&vanished, &languages, coderun_domain::testing::EVERYONE, 1)
        .await;
    assert_eq!(lease.unwrap()[0].id(), id);
    let before = tokio::time::Instant::now();
    let _second = harness.start("w2");
    let ended = harness.final_state(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(2));
    let waited = before.elapsed();
    assert!(waited < Duration::from_secs(15), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn failed_renewals_keep_their_pauses_after_a_cancellation() {
    let harness = Harness::new();
    let queue = Arc::new(FlakyQueue::over(harness.backend.clone()));
    let _worker = harness.start_over("w1", Arc::clone(&queue) as Arc<dyn ExecutionQueue>);
    let id = harness.submit("until-cancelled").await;
    harness.until_running(id).await;
    queue.renewals_to_lose.store(4, Ordering::SeqCst);
    harness.backend.request_cancel(id).await.unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(verdict(&harness.final_state(id).await), Verdict::Cancelled);
    let renewals = queue.renewals.load(Ordering::SeqCst);
    assert!(renewals <= 8, "{renewals} renewals");
    let waited = before.elapsed();
    assert!(waited >= Duration::from_millis(1500), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_can_never_be_recorded_does_not_hold_the_worker() {
    let harness = Harness::new();
    let worker =
        harness.start_flaky(|queue| queue.finishes_to_lose.store(usize::MAX, Ordering::SeqCst));
    let id = harness.submit("print out").await;
    harness.until_running(id).await;
    harness.shutdown.drain.cancel();
    harness.shutdown.abort.cancel();
    ended(worker).await;
    assert!(harness.get(id).await.outcome().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_panics_costs_one_attempt() {
    let harness = Harness::started();
    let broken = harness.submit("no such line").await;
    let good = harness.submit("print out").await;
    assert_eq!(verdict(&harness.final_state(good).await), Verdict::Accepted);
    let ended = harness.final_state(broken).await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert_eq!(ended.attempt(), Attempt::from_count(3));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_while_the_runner_is_unavailable_ends_the_wait() {
    let (harness, id) = Harness::running("unavailable").await;
    harness.backend.request_cancel(id).await.unwrap();
    assert_eq!(verdict(&harness.final_state(id).await), Verdict::Cancelled);
}
