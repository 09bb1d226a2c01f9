//! Checks leases: how long they are valid, takeovers, and the attempt as a fence.

use std::sync::Arc;

use coderun_domain::testing::{EVERYONE, finished, language};
use coderun_domain::{Lease, Renewal, State, Status};

use crate::fixtures::{
    SECOND, assert_lost, at_once, attempt, chunk, id, languages, numbers, progress_of, worker,
    written_in,
};
use crate::{Backend, Running, Setup};

/// Lets every lease run out that is not renewed.
fn outlast_leases(backend: &Backend) {
    backend.advance(backend.policy.lease + SECOND);
}

/// An execution whose worker is silent is taken by another worker, with attempt 2, a start of its own and an event.
pub async fn an_expired_lease_is_taken_over(backend: Backend) {
    let lost = backend.start(1, "alice").await;
    backend.print(&lost, &["half"]).await;
    outlast_leases(&backend);
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_eq!((lease.id(), lease.attempt()), (id(1), attempt(2)));
    let (worker, started_at) = (worker("worker-2"), backend.now());
    let running = State::Running { worker, started_at };
    assert_eq!(*lease.execution().state(), running);
    assert_eq!(backend.get(id(1)).await, *lease.execution());
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4]);
    assert_eq!(progress_of(&events[3]), lease.execution().progress());
    backend.finish(&lease).await;
}

/// Until the lease has expired no other worker gets the execution.
pub async fn a_valid_lease_is_not_taken_over(backend: Backend) {
    backend.start(1, "alice").await;
    backend.advance(backend.policy.lease - SECOND);
    backend.sweep().await;
    assert_eq!(backend.take_as("worker-2").await, None);
}

/// A worker that renews in time keeps its execution beyond the first lease time, in the same attempt.
pub async fn renewing_keeps_the_lease(Running { backend, lease }: Running) {
    for _ in 0..3 {
        backend.advance(backend.policy.lease - SECOND * 5);
        assert_eq!(backend.take_as("worker-2").await, None);
        let renewal = backend.renew(&lease).await;
        assert_eq!(renewal, Renewal::Continue);
    }
    assert_eq!(backend.get(id(1)).await, *lease.execution());
    outlast_leases(&backend);
    let taken_over = backend.take_as("worker-2").await.unwrap();
    assert_eq!(taken_over.attempt(), attempt(2));
}

/// A renewal never shortens a lease, also where the clock of the worker's process is behind.
pub async fn a_renewal_never_shortens_a_lease(Running { backend, lease }: Running) {
    let granted_at = backend.now();
    backend.clock.set(granted_at - SECOND * 5);
    assert_eq!(backend.renew(&lease).await, Renewal::Continue);
    backend
        .clock
        .set(granted_at + backend.policy.lease - SECOND);
    assert_eq!(backend.take_as("worker-2").await, None);
}

/// Of sixteen takers at a time one takes over, and attempt 2 is its alone.
pub async fn one_of_many_workers_takes_over(backend: Backend) {
    backend.start(1, "alice").await;
    outlast_leases(&backend);
    let leases = at_once(16, |number| {
        let queue = Arc::clone(&backend.queue);
        async move {
            let worker = worker(&format!("worker-{number}"));
            queue
                .take(&worker, &languages(), EVERYONE, 1)
                .await
                .unwrap()
        }
    })
    .await;
    let attempts: Vec<_> = leases.iter().flatten().map(Lease::attempt).collect();
    assert_eq!(attempts, [attempt(2)]);
}

/// An execution that has lost its worker is taken before those that wait.
pub async fn a_takeover_precedes_pending_executions(backend: Backend) {
    backend.submit(2, "bob").await;
    backend.take().await;
    backend.submit(1, "alice").await;
    backend.submit(3, "bob").await;
    outlast_leases(&backend);
    assert_eq!(backend.take().await.id(), id(2));
}

/// A takeover is not one more running execution of its user.
pub async fn a_takeover_does_not_count_as_another_run(setup: Setup) {
    let backend = setup.with(|policy| policy.user_running_max = 1).await;
    backend.start(1, "alice").await;
    backend.submit(2, "alice").await;
    outlast_leases(&backend);
    let lease = backend.take().await;
    assert_eq!((lease.id(), lease.attempt()), (id(1), attempt(2)));
    assert_eq!(backend.try_take().await, None);
    backend.finish(&lease).await;
    assert_eq!(backend.take().await.id(), id(2));
}

/// Only a worker that has the language takes over.
pub async fn a_takeover_needs_the_language(backend: Backend) {
    backend.submit_draft(1, "alice", written_in("c")).await;
    backend.take().await;
    outlast_leases(&backend);
    let python = [language("python")];
    let taken = backend
        .queue
        .take(&worker("w"), &python, EVERYONE, 1)
        .await
        .unwrap();
    assert_eq!(taken, []);
    let c = [language("c")];
    let taken = backend
        .queue
        .take(&worker("w"), &c, EVERYONE, 1)
        .await
        .unwrap();
    assert_eq!(taken[0].id(), id(1));
}

/// A run that has outlived its deadline is left to the sweep.
pub async fn a_run_past_its_deadline_is_not_taken_over(Running { backend, lease }: Running) {
    let deadline = backend.policy.deadline(lease.execution()).unwrap();
    backend.clock.set(deadline + SECOND);
    assert_eq!(backend.take_as("worker-2").await, None);
    assert_eq!(backend.sweep().await.ended, 1);
}

/// After a takeover the previous worker can neither renew, append, finish nor release: each call answers `LeaseLost`, and
/// neither record nor events change.
pub async fn a_stale_worker_changes_nothing(backend: Backend) {
    let stale = backend.start(1, "alice").await;
    let last = backend.print(&stale, &["one", "two"]).await;
    outlast_leases(&backend);
    let lease = backend.take_as("worker-2").await.unwrap();
    let events = backend.events(id(1)).await;
    backend.assert_powerless(&stale).await;
    // Also where it repeats a valid append, and where it guesses the right number.
    let again = [chunk(&stale, "one"), chunk(&stale, "two")];
    let before = stale.execution().sequence();
    assert_lost(backend.queue.append(&stale, before, &again).await);
    assert_lost(backend.queue.append(&stale, last.next(), &again).await);
    backend.assert_unchanged(lease.execution(), &events).await;
    // The lease of the other one was neither shortened nor lengthened.
    backend.advance(backend.policy.lease - SECOND);
    assert_lost(backend.queue.renew(&stale).await);
    assert_eq!(backend.take_as("worker-3").await, None);
    backend.advance(SECOND * 2);
    let third = backend.take_as("worker-3").await.unwrap();
    assert_eq!(third.attempt(), attempt(3));
    backend.assert_powerless(&stale).await;
    backend.assert_powerless(&lease).await;
    backend.finish(&third).await;
    backend.assert_powerless(&stale).await;
    let ended = backend.get(id(1)).await;
    assert_eq!(**ended.outcome().unwrap(), finished());
}

/// A lease is over also for the worker that takes the execution again at the same instant: the attempt alone tells its two
/// leases apart.
pub async fn an_earlier_lease_of_the_same_worker_and_instant_changes_nothing(
    Running {
        backend,
        lease: stale,
    }: Running,
) {
    backend.release(&stale).await;
    let lease = backend.take().await;
    assert_eq!(lease.worker(), stale.worker());
    assert_eq!(lease.started_at(), stale.started_at());
    assert_eq!(lease.attempt(), attempt(2));
    let events = backend.events(id(1)).await;
    backend.assert_powerless(&stale).await;
    backend.assert_unchanged(lease.execution(), &events).await;
    backend.finish(&lease).await;
}

/// A worker that was silent for too long goes on if no other worker has taken over.
pub async fn an_expired_lease_is_valid_until_it_is_taken_over(Running { backend, lease }: Running) {
    outlast_leases(&backend);
    backend.print(&lease, &["late"]).await;
    backend.renew(&lease).await;
    assert_eq!(backend.take_as("worker-2").await, None);
    outlast_leases(&backend);
    backend.finish(&lease).await;
    assert_eq!(backend.get(id(1)).await.status(), Status::Completed);
    assert_eq!(backend.take_as("worker-2").await, None);
}

/// No renewal carries a run beyond its deadline.
pub async fn a_lease_ends_at_the_deadline_of_the_run(Running { backend, lease }: Running) {
    let deadline = backend.policy.deadline(lease.execution()).unwrap();
    backend.clock.set(deadline - SECOND);
    backend.renew(&lease).await;
    backend.clock.set(deadline + SECOND);
    assert_lost(backend.queue.renew(&lease).await);
    assert_eq!(backend.get(id(1)).await, *lease.execution());
}
