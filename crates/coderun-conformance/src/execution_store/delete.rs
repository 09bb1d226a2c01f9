//! Checks deletion, which leaves nothing of an execution in any state.

use coderun_domain::{CancelReply, Sequence};

use crate::fixtures::{SECOND, assert_lost, attempt, chunk, id, numbers, waiting, within};
use crate::{Backend, Pending, Running, Setup};

async fn assert_nothing_left(backend: &Backend, number: u32, user: &str) {
    let id = id(number);
    assert_eq!(backend.find(id).await, None);
    assert_eq!(backend.list(user).await, []);
    assert_eq!(backend.cancel(id).await, CancelReply::Absent);
    backend.assert_unwatchable(id).await;
    assert_eq!(backend.try_take().await, None);
    assert!(!backend.delete(id).await, "once is enough");
}

/// A deleted waiting execution is not found, listed, watched or taken.
pub async fn deleting_a_pending_execution_leaves_nothing(Pending(backend): Pending) {
    assert!(backend.delete(id(1)).await);
    assert_nothing_left(&backend, 1, "alice").await;
}

/// The worker of a deleted execution has lost its lease and restores nothing; the user may run another execution.
pub async fn deleting_a_running_execution_revokes_its_lease(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 1).await;
    let lease = backend.start(1, "alice").await;
    assert!(backend.delete(id(1)).await);
    let late = [chunk(&lease, "too late")];
    let last = lease.execution().sequence();
    assert_lost(backend.queue.append(&lease, last, &late).await);
    assert_lost(backend.queue.append(&lease, Sequence::START, &late).await);
    backend.assert_powerless(&lease).await;
    assert_nothing_left(&backend, 1, "alice").await;
    backend.start(2, "alice").await;
    backend.advance(backend.policy.lease * 2);
    assert_eq!(backend.take().await.id(), id(2));
}

/// The worker of a deleted execution is woken as by a cancellation, and its next renewal answers `LeaseLost`. A worker that
/// begins to wait afterwards returns at once.
pub async fn deleting_a_running_execution_wakes_its_worker(Running { backend, lease }: Running) {
    let woken = waiting(|| backend.queue.cancel_requested(&lease)).await;
    assert!(backend.delete(id(1)).await);
    within(woken).await;
    assert_lost(backend.queue.renew(&lease).await);
    within(backend.queue.cancel_requested(&lease)).await;
}

/// A deleted final execution is not found, listed or watched.
pub async fn deleting_a_final_execution_leaves_nothing(backend: Backend) {
    backend.complete(1, "alice").await;
    assert!(backend.delete(id(1)).await);
    assert_nothing_left(&backend, 1, "alice").await;
}

/// A deleted id that is submitted again is a new execution with events of its own.
pub async fn a_deleted_id_may_be_submitted_again(Running { backend, lease }: Running) {
    backend.print(&lease, &["old"]).await;
    backend.cancel(id(1)).await;
    backend.delete(id(1)).await;
    let new = backend.submit(1, "alice").await;
    assert_eq!(backend.get(id(1)).await, new);
    assert_eq!(numbers(&backend.events(id(1)).await), [1]);
    let lease = backend.take().await;
    assert_eq!(lease.attempt(), attempt(1));
    let renewal = backend.renew(&lease).await;
    assert_eq!(renewal, coderun_domain::Renewal::Continue);
    backend.finish(&lease).await;
}

/// A lease does not pass to another execution with the same id, though the attempt has the same number.
pub async fn the_worker_of_a_deleted_execution_cannot_touch_its_successor(backend: Backend) {
    let old = backend.start(1, "alice").await;
    backend.delete(id(1)).await;
    backend.submit(1, "alice").await;
    backend.assert_powerless(&old).await;
    let new = backend.take_as("worker-2").await.unwrap();
    assert_eq!(new.attempt(), old.attempt());
    backend.assert_powerless(&old).await;
    backend.finish(&new).await;
    backend.assert_powerless(&old).await;
}

/// A lease does not pass to a later run of the same worker either, though attempt and id are the same.
pub async fn a_worker_of_a_deleted_execution_cannot_confuse_it_with_its_successor(
    backend: Backend,
) {
    let old = backend.start(1, "alice").await;
    backend.delete(id(1)).await;
    backend.advance(SECOND);
    let new = backend.start(1, "alice").await;
    assert_eq!((new.worker(), new.attempt()), (old.worker(), old.attempt()));
    backend.assert_powerless(&old).await;
    backend.finish(&new).await;
}
