//! Checks cancellation: pending executions end at once, running ones by their worker.

use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_domain::{CancelReply, Renewal, Status, Verdict};

use crate::fixtures::{SECOND, attempt, drain_events, id, progress_of, waiting, within};
use crate::{Backend, Running, Setup};

/// A pending execution is final at once, with an event and an explanation; it is not taken and does not count any more.
pub async fn cancelling_a_pending_execution_ends_it(setup: Setup) {
    let backend = setup.with(|policy| policy.user_pending_max = 1).await;
    backend.submit(1, "alice").await;
    backend.advance(Duration::from_secs(3));
    let CancelReply::Ended(ended) = backend.cancel(id(1)).await else {
        panic!("it waited");
    };
    assert_eq!(backend.get(id(1)).await, *ended);
    assert_eq!(ended.outcome().unwrap().verdict(), Verdict::Cancelled);
    assert_eq!(ended.progress().completed_at(), Some(backend.now()));
    let limits = ended.submission().limits();
    assert!(ended.outcome().unwrap().explanation(limits).is_some());
    let events = drain_events(backend.watch(id(1), 1).await).await;
    assert_eq!(events.len(), 1);
    assert_eq!(progress_of(&events[0]), ended.progress());
    assert_eq!(backend.try_take().await, None);
    backend.submit(2, "alice").await;
}

/// The worker of a running execution learns of it at its next renewal; until then nothing changes.
pub async fn cancelling_a_running_execution_asks_its_worker(Running { backend, lease }: Running) {
    assert_eq!(backend.renew(&lease).await, Renewal::Continue);
    let asked = backend.cancel(id(1)).await;
    let running = Box::new(lease.execution().clone());
    assert_eq!(asked, CancelReply::Requested(running));
    assert_eq!(backend.get(id(1)).await, *lease.execution());
    for _ in 0..2 {
        assert_eq!(backend.renew(&lease).await, Renewal::Cancel);
    }
    backend.finish(&lease).await;
    assert_eq!(backend.get(id(1)).await.status(), Status::Completed);
}

/// A final execution stays as it ended.
pub async fn cancelling_a_final_execution_changes_nothing(backend: Backend) {
    let ended = backend.complete(1, "alice").await;
    let events = backend.events(id(1)).await;
    let reply = backend.cancel(id(1)).await;
    assert_eq!(reply, CancelReply::AlreadyFinal(Box::new(ended.clone())));
    backend.assert_unchanged(&ended, &events).await;
}

/// A second request changes nothing.
pub async fn cancelling_twice_has_no_further_effect(Running { backend, lease }: Running) {
    assert_eq!(backend.cancel(id(1)).await, backend.cancel(id(1)).await);
    assert_eq!(backend.get(id(1)).await, *lease.execution());
    backend.submit(2, "alice").await;
    let CancelReply::Ended(ended) = backend.cancel(id(2)).await else {
        panic!("it waited");
    };
    let events = backend.events(id(2)).await;
    backend.advance(SECOND);
    let again = backend.cancel(id(2)).await;
    assert_eq!(again, CancelReply::AlreadyFinal(ended.clone()));
    backend.assert_unchanged(&ended, &events).await;
}

/// A worker that waits for a cancellation is woken by it, and one that begins to wait later returns at once.
pub async fn cancelling_wakes_the_worker(Running { backend, lease }: Running) {
    let woken = waiting(|| backend.queue.cancel_requested(&lease)).await;
    backend.cancel(id(1)).await;
    within(woken).await;
    within(backend.queue.cancel_requested(&lease)).await;
}

/// A cancellation stays in force when another worker takes over.
pub async fn a_cancellation_survives_a_takeover(backend: Backend) {
    backend.start(1, "alice").await;
    backend.cancel(id(1)).await;
    backend.advance(backend.policy.lease + SECOND);
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_eq!(lease.attempt(), attempt(2));
    assert_eq!(backend.renew(&lease).await, Renewal::Cancel);
    within(backend.queue.cancel_requested(&lease)).await;
    let outcome = finished();
    backend.finish_with(&lease, &outcome).await;
}

/// A cancelled execution that its worker releases is not run again.
pub async fn a_cancelled_execution_that_is_released_ends(Running { backend, lease }: Running) {
    backend.cancel(id(1)).await;
    backend.release(&lease).await;
    let ended = backend.get(id(1)).await;
    assert_eq!(ended.outcome().unwrap().verdict(), Verdict::Cancelled);
    assert_eq!(backend.try_take().await, None);
    let events = drain_events(backend.watch(id(1), 0).await).await;
    assert_eq!(progress_of(events.last().unwrap()), ended.progress());
}
