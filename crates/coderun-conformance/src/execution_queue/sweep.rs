//! Checks the sweep: it ends what is overdue, once, and changes nothing else.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Execution, Status, Swept, Verdict};

use crate::fixtures::{SECOND, at_once, attempt, drain_events, id, progress_of};
use crate::{Backend, Pending, Running, Setup};

/// Asserts that an execution ended by force, and returns the sentence that explains it.
async fn assert_ended_by_force(backend: &Backend, number: u32) -> String {
    let ended: Execution = backend.get(id(number)).await;
    let outcome = ended.outcome().unwrap();
    assert_eq!(outcome.verdict(), Verdict::InternalError);
    assert_eq!(outcome.report(), None);
    assert_eq!(ended.progress().completed_at(), Some(backend.now()));
    let events = backend.events(id(number)).await;
    assert_eq!(progress_of(events.last().unwrap()), ended.progress());
    let sentence = outcome.explanation(ended.submission().limits()).unwrap();
    let is_one_line = !sentence.is_empty() && !sentence.contains('\n');
    assert!(is_one_line, "{sentence}");
    sentence
}

const fn ended(count: usize) -> Swept {
    Swept {
        ended: count,
        expired: 0,
    }
}

/// An execution that no worker takes by its deadline ends, and its owner reads that it waited too long.
pub async fn a_sweep_ends_executions_that_wait_too_long(setup: Setup) {
    let backend = setup.with(|policy| policy.user_pending_max = 1).await;
    backend.submit(1, "alice").await;
    backend.advance(backend.policy.queue_deadline - SECOND);
    assert_eq!(backend.sweep().await, Swept::default());
    backend.advance(SECOND * 2);
    assert_eq!(backend.sweep().await, ended(1));
    let sentence = assert_ended_by_force(&backend, 1).await;
    assert!(sentence.contains("waited too long"), "{sentence}");
    assert_eq!(backend.try_take().await, None);
    assert_eq!(backend.sweep().await, Swept::default());
    backend.submit(2, "alice").await;
}

/// An execution that was given back has the whole time in the queue before it again.
pub async fn a_release_restarts_the_queue_deadline(Pending(backend): Pending) {
    backend.advance(backend.policy.queue_deadline - SECOND);
    let lease = backend.take().await;
    backend.release(&lease).await;
    backend.advance(backend.policy.queue_deadline - SECOND);
    assert_eq!(backend.sweep().await, Swept::default());
    assert_eq!(backend.get(id(1)).await.status(), Status::Pending);
    backend.advance(SECOND * 2);
    assert_eq!(backend.sweep().await, ended(1));
    assert_ended_by_force(&backend, 1).await;
}

/// A run ends with its deadline, however eagerly its worker renews.
pub async fn a_sweep_ends_executions_that_run_too_long(Running { backend, lease }: Running) {
    let deadline = backend.policy.deadline(lease.execution()).unwrap();
    while backend.now() + SECOND * 10 < deadline {
        backend.advance(SECOND * 10);
        backend.renew(&lease).await;
        assert_eq!(backend.sweep().await, Swept::default());
    }
    backend.clock.set(deadline + SECOND);
    assert_eq!(backend.sweep().await, ended(1));
    assert_ended_by_force(&backend, 1).await;
    assert_eq!(backend.sweep().await, Swept::default());
    assert_eq!(backend.try_take().await, None);
}

/// The outcome of a run that was ended by force holds the output of its last attempt, as the events do.
pub async fn a_forced_end_keeps_the_output(backend: Backend) {
    let lost = backend.start(1, "alice").await;
    backend.print(&lost, &["void"]).await;
    backend.advance(backend.policy.lease + SECOND);
    let lease = backend.take_as("worker-2").await.unwrap();
    backend.print(&lease, &["so ", "far"]).await;
    backend.advance(Duration::from_mins(2));
    assert_eq!(backend.sweep().await, ended(1));
    let ended = backend.get(id(1)).await;
    let outcome = ended.outcome().unwrap();
    assert_eq!(outcome.output().bytes(), "so far");
    assert!(outcome.error_output().is_empty());
}

/// After the last attempt no worker takes over: the sweep ends the execution once the lease has expired.
pub async fn the_last_attempt_ends_with_its_lease(setup: Setup) {
    let backend = setup.with(|policy| policy.attempts_max = 2).await;
    backend.start(1, "alice").await;
    backend.advance(backend.policy.lease + SECOND);
    let last = backend.take().await;
    assert_eq!(last.attempt(), attempt(2));
    backend.advance(backend.policy.lease - SECOND);
    assert_eq!(backend.sweep().await, Swept::default());
    backend.advance(SECOND * 2);
    assert_eq!(backend.try_take().await, None);
    assert_eq!(backend.sweep().await, ended(1));
    assert_ended_by_force(&backend, 1).await;
    assert_eq!(backend.sweep().await, Swept::default());
}

/// A last attempt whose worker renews is not ended.
pub async fn a_renewed_last_attempt_is_not_ended(setup: Setup) {
    let backend = setup.with(|policy| policy.attempts_max = 1).await;
    let lease = backend.start(1, "alice").await;
    for _ in 0..4 {
        backend.advance(backend.policy.lease - SECOND * 5);
        backend.renew(&lease).await;
        assert_eq!(backend.sweep().await, Swept::default());
    }
    backend.finish(&lease).await;
    assert_eq!(backend.get(id(1)).await.status(), Status::Completed);
}

/// A released execution is taken again, however often: only a lost lease counts.
pub async fn a_release_uses_up_no_attempt(setup: Setup) {
    let backend = setup.with(|policy| policy.attempts_max = 2).await;
    backend.submit(1, "alice").await;
    for count in 1..=5 {
        let lease = backend.take().await;
        assert_eq!(lease.attempt(), attempt(count));
        assert_eq!(lease.execution().progress().takeovers(), 0);
        backend.release(&lease).await;
        assert_eq!(backend.sweep().await, Swept::default());
    }
    backend.take().await;
    backend.advance(backend.policy.lease + SECOND);
    let last = backend.take().await;
    assert_eq!(last.execution().progress().takeovers(), 1);
    backend.advance(backend.policy.lease + SECOND);
    assert_eq!(backend.try_take().await, None);
    assert_eq!(backend.sweep().await, ended(1));
    assert_ended_by_force(&backend, 1).await;
}

/// Where nothing is overdue nothing is touched, in any state.
pub async fn a_sweep_changes_nothing_that_is_not_overdue(backend: Backend) {
    backend.complete(1, "alice").await;
    let running = backend.start(2, "alice").await;
    backend.submit(3, "bob").await;
    backend.submit(4, "carol").await;
    backend.cancel(id(2)).await;
    let mut before = Vec::new();
    for number in 1..=4 {
        before.push((
            backend.get(id(number)).await,
            backend.events(id(number)).await,
        ));
    }
    backend.advance(SECOND * 10);
    assert_eq!(backend.sweep().await, Swept::default());
    for (record, events) in &before {
        backend.assert_unchanged(record, events).await;
    }
    backend.renew(&running).await;
}

/// However much is overdue or expired, one sweep does it all.
pub async fn one_sweep_leaves_nothing_overdue(backend: Backend) {
    backend.submit_all(1..=200, "alice").await;
    backend.advance(backend.policy.queue_deadline + SECOND);
    assert_eq!(backend.sweep().await.ended, 200);
    backend.advance(backend.policy.retention + SECOND);
    assert_eq!(backend.sweep().await.expired, 200);
}

/// The sum of the answers of concurrent sweeps.
async fn sweep_concurrently(backend: &Backend) -> Swept {
    let swept = at_once(8, |_| {
        let queue = Arc::clone(&backend.queue);
        async move { queue.sweep().await.unwrap() }
    })
    .await;
    Swept {
        ended: swept.iter().map(|it| it.ended).sum(),
        expired: swept.iter().map(|it| it.expired).sum(),
    }
}

/// Of many sweeps at a time each execution is ended by one, with one event, and later deleted by one.
pub async fn concurrent_sweeps_end_and_delete_each_execution_once(backend: Backend) {
    const EXECUTIONS: u32 = 150;
    backend.submit_all(1..=EXECUTIONS, "alice").await;
    backend.advance(backend.policy.queue_deadline + SECOND);
    assert_eq!(sweep_concurrently(&backend).await, ended(150));
    for number in [1, 75, EXECUTIONS] {
        assert_ended_by_force(&backend, number).await;
        assert_eq!(backend.events(id(number)).await.len(), 2);
    }
    backend.advance(backend.policy.retention + SECOND);
    let deleted = Swept {
        ended: 0,
        expired: 150,
    };
    assert_eq!(sweep_concurrently(&backend).await, deleted);
    assert_eq!(backend.list("alice").await, []);
}

/// A watcher receives the forced end as the last event.
pub async fn watchers_receive_a_forced_end(Pending(backend): Pending) {
    let stream = backend.watch(id(1), 0).await;
    backend.advance(backend.policy.queue_deadline + SECOND);
    backend.sweep().await;
    let events = drain_events(stream).await;
    assert_eq!(events, backend.events(id(1)).await);
    assert!(progress_of(&events[1]).status().is_final());
}

/// A worker that comes too late for its deadline finds its lease lost, and the end stays as it is.
pub async fn a_forced_end_revokes_the_lease(Running { backend, lease }: Running) {
    backend.advance(Duration::from_mins(2));
    backend.sweep().await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    backend.assert_powerless(&lease).await;
    backend.assert_unchanged(&record, &events).await;
}
