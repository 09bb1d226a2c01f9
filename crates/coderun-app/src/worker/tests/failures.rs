//! Runners and queues that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    Attempt, ExecutionQueue, ExecutionStore as _, Health, Language, Lease, Outcome, QueueDepth,
    QueueError, Renewal, RunEvent, Sequence, Swept, Verdict, WorkerId,
};
use coderun_memory::MemoryBackend;

use super::support::{House, ended, explanation, verdict};

#[tokio::test(start_paused = true)]
async fn a_runner_that_stays_away_ends_the_execution_after_the_workers_last_attempt() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("unavailable").await;
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert_eq!(ended.attempt(), Attempt::from_count(2));
    assert_eq!(
        explanation(&ended),
        "The program could not be run in 2 attempts"
    );
}

/// It has not tried, so only the store's bound counts.
#[tokio::test(start_paused = true)]
async fn a_runner_that_stays_overloaded_ends_the_execution_after_the_last_attempt_of_all() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("overloaded").await;
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert_eq!(ended.attempt(), Attempt::from_count(3));
}

/// One attempt shows that the runner has too much to do; it costs no other.
#[tokio::test(start_paused = true)]
async fn a_worker_whose_runner_turned_work_away_takes_nothing_until_it_is_well() {
    let house = House::new();
    let _worker = house.start("w1");
    let first = house.submit("overloaded").await;
    house.end(first).await;
    house.runner.is_broken.store(true, Ordering::SeqCst);
    let second = house.submit("print hello").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(house.get(second).await.attempt(), Attempt::NONE);
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_runner_is_broken_takes_nothing_until_it_is_well() {
    let house = House::new();
    house.runner.is_broken.store(true, Ordering::SeqCst);
    let _worker = house.start("w1");
    let id = house.submit("print hello").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(house.get(id).await.attempt(), Attempt::NONE);
    house.runner.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(verdict(&house.end(id).await), Verdict::Accepted);
}

/// One attempt shows that the runner broke; it costs no other.
#[tokio::test(start_paused = true)]
async fn a_runner_that_breaks_uses_up_one_attempt() {
    let house = House::new();
    let _worker = house.start("w1");
    let first = house.submit("print hello").await;
    house.end(first).await;
    house.runner.is_broken.store(true, Ordering::SeqCst);
    let second = house.submit("print hello").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(house.get(second).await.attempt(), Attempt::from_count(1));
    house.runner.is_broken.store(false, Ordering::SeqCst);
    assert_eq!(verdict(&house.end(second).await), Verdict::Accepted);
}

#[tokio::test(start_paused = true)]
async fn a_runner_without_the_language_rejects_the_program_at_once() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("unsupported").await;
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::Rejected);
    assert_eq!(ended.attempt(), Attempt::from_count(1));
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_never_answers_is_given_up_with_what_it_wrote() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("print head\nhang").await;
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert_eq!(ended.outcome().unwrap().output().bytes(), "head");
    assert_eq!(house.alive(), 0);
}

/// A queue whose calls fail a few times before they reach the real one, or whose replies are lost after they did.
#[derive(Debug)]
struct FlakyQueue {
    inner: MemoryBackend,
    finishes_to_lose: AtomicUsize,
    replies_to_lose: AtomicUsize,
    renewals_to_lose: AtomicUsize,
    renewals: AtomicUsize,
    /// How often it has lost what it was told before, and cannot confirm it.
    gaps: AtomicUsize,
}

impl FlakyQueue {
    fn over(inner: MemoryBackend) -> Self {
        Self {
            inner,
            finishes_to_lose: AtomicUsize::new(0),
            replies_to_lose: AtomicUsize::new(0),
            renewals_to_lose: AtomicUsize::new(0),
            renewals: AtomicUsize::new(0),
            gaps: AtomicUsize::new(0),
        }
    }
}

fn lose(calls: &AtomicUsize) -> Result<(), QueueError> {
    let one_less = |left: usize| left.checked_sub(1);
    match calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
        Ok(_) => Err(QueueError::Unavailable {
            backend: "flaky",
            source: "connection reset".into(),
        }),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl ExecutionQueue for FlakyQueue {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        self.inner.take(worker, languages).await
    }
    async fn work_available(&self) {
        self.inner.work_available().await;
    }
    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.renewals.fetch_add(1, Ordering::SeqCst);
        lose(&self.renewals_to_lose)?;
        self.inner.renew(lease).await
    }
    async fn cancel_requested(&self, lease: &Lease) {
        self.inner.cancel_requested(lease).await;
    }
    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        if events.is_empty() && lose(&self.gaps).is_err() {
            return Err(QueueError::LeaseLost);
        }
        let stored = self.inner.append(lease, after, events).await;
        lose(&self.replies_to_lose)?;
        stored
    }
    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        lose(&self.finishes_to_lose)?;
        let stored = self.inner.finish(lease, outcome).await;
        lose(&self.replies_to_lose)?;
        stored
    }
    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.inner.release(lease).await
    }
    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.inner.sweep().await
    }
    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.inner.depth().await
    }
    async fn check(&self) -> Result<Health, QueueError> {
        ExecutionQueue::check(&self.inner).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_recorded_at_once_is_recorded_later() {
    let house = House::new();
    let queue = FlakyQueue::over(house.backend.clone());
    queue.finishes_to_lose.store(6, Ordering::SeqCst);
    let _worker = house.start_over("w1", Arc::new(queue));
    let id = house.submit("print kept").await;
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(1), "it ran once");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_doubles_nothing() {
    let house = House::new();
    let queue = FlakyQueue::over(house.backend.clone());
    queue.replies_to_lose.store(3, Ordering::SeqCst);
    let _worker = house.start_over("w1", Arc::new(queue));
    let id = house.submit("print a\nsleep 1\nprint b").await;
    house.end(id).await;
    let numbers: Vec<_> = house
        .story(id)
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
async fn a_run_whose_output_was_lost_is_made_again() {
    let house = House::new();
    let queue = FlakyQueue::over(house.backend.clone());
    queue.gaps.store(1, Ordering::SeqCst);
    let _worker = house.start_over("w1", Arc::new(queue));
    let id = house.submit("print told\nsleep 1").await;
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(2));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_before_the_lease_is_over() {
    let house = House::new();
    let queue = FlakyQueue::over(house.backend.clone());
    queue.renewals_to_lose.store(2, Ordering::SeqCst);
    let _first = house.start_over("w1", Arc::new(queue));
    let id = house.submit("sleep 30").await;
    house.running(id).await;
    let _second = house.start("w2");
    let ended = house.end(id).await;
    assert_eq!(ended.attempt(), Attempt::from_count(1));
}

#[tokio::test(start_paused = true)]
async fn the_execution_of_a_worker_that_vanished_is_taken_over_within_15_seconds() {
    let house = House::new();
    let id = house.submit("print done").await;
    let vanished = WorkerId::parse("vanished").unwrap();
    let languages = [coderun_domain::testing::language("python")];
    let lease = house.backend.take(&vanished, &languages).await.unwrap();
    assert_eq!(lease.unwrap().id(), id);
    let before = tokio::time::Instant::now();
    let _second = house.start("w2");
    let ended = house.end(id).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(2));
    let waited = before.elapsed();
    assert!(waited < Duration::from_secs(15), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_does_not_hurry_renewals_that_fail() {
    let house = House::new();
    let queue = Arc::new(FlakyQueue::over(house.backend.clone()));
    let _worker = house.start_over("w1", Arc::clone(&queue) as Arc<dyn ExecutionQueue>);
    let id = house.submit("until-cancelled").await;
    house.running(id).await;
    queue.renewals_to_lose.store(4, Ordering::SeqCst);
    house.backend.request_cancel(id).await.unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(verdict(&house.end(id).await), Verdict::Cancelled);
    let renewals = queue.renewals.load(Ordering::SeqCst);
    assert!(renewals <= 8, "{renewals} renewals");
    let waited = before.elapsed();
    assert!(waited >= Duration::from_millis(1500), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_can_never_be_recorded_does_not_hold_the_worker() {
    let house = House::new();
    let queue = FlakyQueue::over(house.backend.clone());
    queue.finishes_to_lose.store(usize::MAX, Ordering::SeqCst);
    let worker = house.start_over("w1", Arc::new(queue));
    let id = house.submit("print out").await;
    house.running(id).await;
    house.shutdown.drain.cancel();
    house.shutdown.abort.cancel();
    ended(worker).await;
    assert!(house.get(id).await.outcome().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_panics_costs_one_attempt() {
    let house = House::new();
    let _worker = house.start("w1");
    let broken = house.submit("no such line").await;
    let good = house.submit("print out").await;
    assert_eq!(verdict(&house.end(good).await), Verdict::Accepted);
    let ended = house.end(broken).await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert_eq!(ended.attempt(), Attempt::from_count(3));
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_while_the_runner_is_away_ends_the_wait() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("unavailable").await;
    house.running(id).await;
    house.backend.request_cancel(id).await.unwrap();
    assert_eq!(verdict(&house.end(id).await), Verdict::Cancelled);
}
