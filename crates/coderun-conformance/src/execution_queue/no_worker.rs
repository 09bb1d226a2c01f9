//! Checks that an execution ends if for a while no worker has offered its language.
//!
//! A store may learn of an offer, and of its end, with the next sweep, so that the clauses allow it some seconds.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::worker_offer;
use coderun_domain::{QueueDepth, Status, StorePolicy, Verdict, WorkerOffer};

use crate::fixtures::{at_once, drain_events, id, progress_of, written_in};
use crate::{Backend, FromSetup, Setup};

const DEADLINE: Duration = Duration::from_secs(40);
const LIFETIME: Duration = Duration::from_secs(15);
/// The pause between two sweeps.
const STEP: Duration = Duration::from_secs(5);
/// Nothing has ended after this time.
const JUST_BEFORE: Duration = Duration::from_secs(30);
/// What has no worker has ended after this time, of which the earlier one is a part.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// A backend with a short deadline for executions without a worker, and small quotas.
#[derive(Debug)]
pub struct ShortDeadline(Backend);

impl FromSetup for ShortDeadline {
    async fn from_setup(setup: Setup) -> Self {
        let short = |policy: &mut StorePolicy| {
            policy.no_worker_deadline = DEADLINE;
            policy.user_pending_max = 50;
            policy.user_running_max = 1;
        };
        Self(setup.with(short).await)
    }
}

/// Lets time pass with a sweep every few seconds, and returns how many executions they end.
async fn pass(backend: &Backend, time: Duration) -> usize {
    let mut ended = 0;
    for _ in 0..time.as_secs() / STEP.as_secs() {
        backend.advance(STEP);
        ended += backend.sweep().await.ended;
    }
    ended
}

/// The same while this offer is announced again and again.
async fn pass_with(backend: &Backend, offer: &WorkerOffer, time: Duration) -> usize {
    let mut ended = 0;
    for _ in 0..time.as_secs() / STEP.as_secs() {
        announce(backend, offer).await;
        ended += pass(backend, STEP).await;
    }
    ended
}

async fn announce(backend: &Backend, offer: &WorkerOffer) {
    backend.registry.announce(offer, LIFETIME).await.unwrap();
}

/// An offer of this language alone.
fn offer_of(language: &str) -> WorkerOffer {
    let mut offer = worker_offer(language);
    let languages = &mut offer.languages;
    languages.retain(|spec| spec.language.as_str() == language);
    offer
}

async fn status(backend: &Backend, number: u32) -> Status {
    backend.get(id(number)).await.status()
}

/// Asserts that an execution has ended because it had no worker, as its owner reads it.
async fn assert_ended_without_worker(backend: &Backend, number: u32) {
    let ended = backend.get(id(number)).await;
    let outcome = ended.outcome().unwrap();
    assert_eq!(outcome.verdict(), Verdict::InternalError);
    assert_eq!(outcome.report(), None);
    let sentence = outcome.explanation(ended.submission().limits()).unwrap();
    assert!(sentence.contains("No worker"), "{sentence}");
}

/// After the deadline the execution ends: its owner and its watchers read why, and no worker takes it.
pub async fn an_execution_without_a_worker_ends_after_the_deadline(
    ShortDeadline(backend): ShortDeadline,
) {
    backend.submit(1, "alice").await;
    let watcher = backend.watch(id(1), 0).await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    assert_eq!(status(&backend, 1).await, Status::Pending);
    assert_eq!(pass(&backend, AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 1).await;
    let events = drain_events(watcher).await;
    assert_eq!(events, backend.events(id(1)).await);
    let last = progress_of(&events[1]);
    assert_eq!(last, backend.get(id(1)).await.progress());
    assert_eq!(backend.try_take().await, None);
    let depth = backend.queue.depth().await.unwrap();
    assert_eq!(depth, QueueDepth::default());
}

/// A worker that announces itself keeps executions waiting, though it takes none of them.
pub async fn an_announced_worker_is_waited_for(ShortDeadline(backend): ShortDeadline) {
    backend.submit(1, "alice").await;
    let busy = worker_offer("busy");
    assert_eq!(pass_with(&backend, &busy, DEADLINE * 3).await, 0);
    assert_eq!(backend.take().await.id(), id(1));
}

/// A worker that announces itself shortly before the deadline keeps executions waiting, and the time begins anew when its
/// offer expires.
pub async fn a_worker_that_comes_late_is_in_time(ShortDeadline(backend): ShortDeadline) {
    backend.submit(1, "alice").await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    announce(&backend, &worker_offer("late")).await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    assert_eq!(status(&backend, 1).await, Status::Pending);
    assert_eq!(pass(&backend, LIFETIME + AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 1).await;
}

/// Only a worker with the language of an execution is waited for.
pub async fn a_worker_with_another_language_is_not_waited_for(
    ShortDeadline(backend): ShortDeadline,
) {
    backend.submit(1, "alice").await;
    backend.submit_draft(2, "alice", written_in("c")).await;
    let only_c = offer_of("c");
    let ended = pass_with(&backend, &only_c, JUST_BEFORE + AFTERWARDS).await;
    assert_eq!(ended, 1);
    assert_ended_without_worker(&backend, 1).await;
    assert_eq!(status(&backend, 2).await, Status::Pending);
}

/// After the withdrawal of the last worker the deadline begins, at the latest when its offer would have expired.
pub async fn a_withdrawal_begins_the_time(ShortDeadline(backend): ShortDeadline) {
    backend.submit(1, "alice").await;
    let leaving = worker_offer("leaving");
    assert_eq!(pass_with(&backend, &leaving, DEADLINE * 2).await, 0);
    backend.registry.withdraw(&leaving.worker).await.unwrap();
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    assert_eq!(pass(&backend, LIFETIME + AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 1).await;
}

/// What is submitted while there has been no worker for long waits the whole time nevertheless.
pub async fn each_execution_has_the_whole_time(ShortDeadline(backend): ShortDeadline) {
    backend.submit(1, "alice").await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    backend.submit(2, "bob").await;
    assert_eq!(pass(&backend, AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 1).await;
    assert_eq!(pass(&backend, JUST_BEFORE - AFTERWARDS).await, 0);
    assert_eq!(status(&backend, 2).await, Status::Pending);
    assert_eq!(pass(&backend, AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 2).await;
}

/// An execution that its worker gives back, such as one that leaves, waits the whole time from then on.
pub async fn a_released_execution_has_the_whole_time_again(ShortDeadline(backend): ShortDeadline) {
    backend.submit(1, "alice").await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    let lease = backend.take().await;
    backend.release(&lease).await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    assert_eq!(status(&backend, 1).await, Status::Pending);
    assert_eq!(pass(&backend, AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 1).await;
}

/// What runs goes on, also under a worker that no longer announces itself because it is leaving.
pub async fn a_running_execution_needs_no_announcement(ShortDeadline(backend): ShortDeadline) {
    let lease = backend.start(1, "alice").await;
    for _ in 0..(JUST_BEFORE + AFTERWARDS).as_secs() / STEP.as_secs() {
        assert_eq!(pass(&backend, STEP).await, 0);
        backend.renew(&lease).await;
    }
    backend.finish(&lease).await;
    assert_eq!(status(&backend, 1).await, Status::Completed);
}

/// After a long pause of the sweeps the time begins anew: a store that was not available has missed announcements.
pub async fn a_pause_of_the_sweeps_begins_the_time_anew(ShortDeadline(backend): ShortDeadline) {
    backend.submit(1, "alice").await;
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    backend.advance(DEADLINE * 3);
    assert_eq!(backend.sweep().await.ended, 0);
    assert_eq!(pass(&backend, JUST_BEFORE).await, 0);
    assert_eq!(status(&backend, 1).await, Status::Pending);
    assert_eq!(pass(&backend, AFTERWARDS).await, 1);
    assert_ended_without_worker(&backend, 1).await;
}

/// Of many sweeps at a time each execution is ended by one, also those of a user who runs as many as allowed. That frees
/// the quota.
pub async fn concurrent_sweeps_end_each_execution_without_a_worker_once(
    ShortDeadline(backend): ShortDeadline,
) {
    let lease = backend.start(1, "alice").await;
    backend.submit_all(2..=51, "alice").await;
    backend.submit_all(52..=101, "bob").await;
    assert!(backend.try_submit(102, "alice").await.is_err());
    let mut ended = 0;
    for _ in 0..(JUST_BEFORE + AFTERWARDS).as_secs() / STEP.as_secs() {
        backend.advance(STEP);
        backend.renew(&lease).await;
        let sweeps = at_once(8, |_| {
            let queue = Arc::clone(&backend.queue);
            async move { queue.sweep().await.unwrap().ended }
        });
        ended += sweeps.await.into_iter().sum::<usize>();
    }
    assert_eq!(ended, 100);
    for number in [2, 51, 52, 101] {
        assert_ended_without_worker(&backend, number).await;
        assert_eq!(backend.events(id(number)).await.len(), 2);
    }
    backend.finish(&lease).await;
    backend.submit(102, "alice").await;
}
