//! Tests what an idle worker offers to the use cases of its process.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coderun_domain::testing::{accepted, at, draft, execution_id, language, submission, user};
use coderun_domain::{
    Attempt, Execution, ExecutionQueue, ExecutionStore, MockExecutionStore, SubmissionDraft,
    Submitted, Verdict,
};
use futures_util::FutureExt as _;
use tokio::task::JoinHandle;

use super::flaky_queue::FlakyQueue;
use super::support::{Harness, ended, verdict};
use crate::worker::LocalWorker;
use crate::worker::local_worker::Reservation;

/// A worker with two permits that works, and the queue from which it takes.
struct Idle {
    harness: Harness,
    queue: Arc<FlakyQueue>,
    local: LocalWorker,
    working: JoinHandle<()>,
}

impl Idle {
    async fn new() -> Self {
        let harness = Harness::new();
        let queue = Arc::new(FlakyQueue::over(harness.backend.clone()));
        let worker = harness.worker("w1", Arc::clone(&queue) as Arc<dyn ExecutionQueue>);
        let local = worker.local();
        assert!(
            local.reserve(&language("python")).is_none(),
            "it has not taken yet"
        );
        let working = harness.start_worker(worker, Arc::clone(&queue) as Arc<dyn ExecutionQueue>);
        let idle = Self {
            harness,
            queue,
            local,
            working,
        };
        drop(idle.until_reserved().await);
        idle
    }

    fn reserve(&self) -> Option<Reservation> {
        self.local.reserve(&language("python"))
    }

    /// Waits until the worker is idle.
    async fn until_reserved(&self) -> Reservation {
        loop {
            if let Some(reservation) = self.reserve() {
                return reservation;
            }
            tokio::task::yield_now().await;
        }
    }

    fn store(&self) -> Arc<dyn ExecutionStore> {
        Arc::new(self.harness.backend.clone())
    }
}

fn execution(number: u128, code: &str) -> Execution {
    let draft = SubmissionDraft {
        code: code.to_owned(),
        ..draft()
    };
    Execution::submit(
        execution_id(number),
        submission(user("alice"), draft),
        at(0),
    )
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_runs_a_submission_without_taking_it() {
    let idle = Idle::new().await;
    let takes = idle.queue.takes.load(Ordering::SeqCst);
    let submitted = execution(1, "print done");
    let reserved = idle.reserve().unwrap();
    let answer = reserved.submit(idle.store(), submitted.clone()).await;
    assert!(matches!(answer.unwrap().submitted, Submitted::Leased(_)));
    let ended = idle.harness.final_state(submitted.id()).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    assert_eq!(ended.attempt(), Attempt::from_count(1));
    assert_eq!(ended.outcome().unwrap().output().bytes(), "done");
    assert_eq!(idle.queue.takes.load(Ordering::SeqCst), takes);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_offered_than_there_are_permits() {
    let idle = Idle::new().await;
    let reserved = [idle.reserve(), idle.reserve()];
    assert!(reserved.iter().all(Option::is_some));
    assert!(idle.reserve().is_none());
    drop(reserved);
    assert!(idle.reserve().is_some());
}

#[tokio::test(start_paused = true)]
async fn only_languages_of_the_runner_are_offered() {
    let idle = Idle::new().await;
    assert!(idle.local.reserve(&language("cobol")).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_declined_offer_frees_the_permit() {
    let idle = Idle::new().await;
    let mut store = MockExecutionStore::new();
    let declines = |_: &Execution, offer: &Option<_>| offer.is_some();
    store
        .expect_submit()
        .withf(declines)
        .returning(|_, _| Ok(accepted()));
    let reserved = idle.reserve().unwrap();
    let answer = reserved
        .submit(Arc::new(store), execution(1, "print done"))
        .await;
    assert_eq!(answer.unwrap(), accepted());
    tokio::task::yield_now().await;
    let reserved = [idle.reserve(), idle.reserve()];
    assert!(reserved.iter().all(Option::is_some));
}

/// Both permits are in use and more waits, so the next permit belongs to what waits.
#[tokio::test(start_paused = true)]
async fn a_busy_worker_offers_nothing() {
    let idle = Idle::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(idle.harness.submit("sleep 1\nprint done").await);
    }
    idle.harness.until_running(ids[1]).await;
    assert!(idle.reserve().is_none());
    idle.harness.final_state(ids[2]).await;
    drop(idle.until_reserved().await);
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_runner_failed_offers_nothing_until_it_works_again() {
    let idle = Idle::new().await;
    idle.harness.runner.is_broken.store(true, Ordering::SeqCst);
    let submitted = execution(1, "print done");
    let reserved = idle.reserve().unwrap();
    let answer = reserved.submit(idle.store(), submitted.clone()).await;
    assert!(matches!(answer.unwrap().submitted, Submitted::Leased(_)));
    while idle.harness.get(submitted.id()).await.sequence().number() < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(idle.reserve().is_none());
    idle.harness.runner.is_broken.store(false, Ordering::SeqCst);
    let ended = idle.harness.final_state(submitted.id()).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
    drop(idle.until_reserved().await);
}

#[tokio::test(start_paused = true)]
async fn a_drained_worker_offers_nothing_and_runs_what_was_reserved_before() {
    let idle = Idle::new().await;
    let reserved = idle.reserve().unwrap();
    idle.harness.shutdown.drain.cancel();
    assert!(idle.reserve().is_none());
    let submitted = execution(1, "sleep 1\nprint done");
    let answer = reserved.submit(idle.store(), submitted.clone()).await;
    assert!(matches!(answer.unwrap().submitted, Submitted::Leased(_)));
    ended(idle.working).await;
    let ended = idle.harness.get(submitted.id()).await;
    assert_eq!(verdict(&ended), Verdict::Accepted);
}

/// The client of the submission has gone before the store answered.
#[tokio::test(start_paused = true)]
async fn a_submission_whose_caller_has_gone_is_run() {
    let idle = Idle::new().await;
    let submitted = execution(1, "print done");
    let reserved = idle.reserve().unwrap();
    let answer = reserved.submit(idle.store(), submitted.clone());
    assert!(answer.now_or_never().is_none(), "it is not answered yet");
    tokio::task::yield_now().await;
    let ended = idle.harness.final_state(submitted.id()).await;
    assert_eq!(ended.attempt(), Attempt::from_count(1));
}
