//! Checks offers: a worker that submits with one may get a lease at once, and never one past anybody who waits.

use std::sync::Arc;

use coderun_domain::testing::draft;
use coderun_domain::{
    Event, ExecutionId, QueueDepth, Quota, Renewal, State, Status, StoreError, Submitted,
};

use crate::fixtures::{
    SECOND, assert_lost, at_once, attempt, chunk, id, leased, next_event, numbers, progress_of,
    text_of, worker,
};
use crate::{Backend, Granting};

async fn assert_waits(backend: &Backend, number: u32, name: &str) {
    let submitted = backend.try_offer(number, name, "worker-1").await.unwrap();
    assert_eq!(submitted, Submitted::Accepted);
    assert_eq!(backend.get(id(number)).await.status(), Status::Pending);
}

async fn depth(backend: &Backend) -> QueueDepth {
    backend.queue.depth().await.unwrap()
}

/// The execution is stored as taken by the worker right after its submission, with both events.
pub async fn a_granted_offer_is_a_running_execution(Granting(backend): Granting) {
    let submitted = backend.draft(1, "alice", draft());
    backend.advance(SECOND);
    let lease = backend.offer(1, "alice", "worker-7").await;
    assert_eq!((lease.id(), lease.attempt()), (id(1), attempt(1)));
    let (worker, started_at) = (worker("worker-7"), backend.now());
    let running = State::Running { worker, started_at };
    assert_eq!(*lease.execution().state(), running);
    assert_eq!(lease.execution().submission(), submitted.submission());
    assert_eq!(backend.get(id(1)).await, *lease.execution());
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2]);
    assert_eq!(progress_of(&events[0]).status(), Status::Pending);
    let started = Event::Updated(lease.execution().progress().clone());
    assert_eq!(events[1].event, started);
    assert_eq!(backend.list("alice").await.len(), 1);
    assert_eq!(backend.try_take().await, None);
    let counted = QueueDepth {
        pending: 0,
        running: 1,
    };
    assert_eq!(depth(&backend).await, counted);
}

/// The worker renews, appends and finishes with the lease as with one that it has taken, and watchers receive all of it.
pub async fn a_granted_lease_is_as_good_as_a_taken_one(Granting(backend): Granting) {
    let lease = backend.offer(1, "alice", "worker-1").await;
    let mut watcher = backend.watch(id(1), 0).await;
    for _ in 0..3 {
        backend.advance(backend.policy.lease - SECOND);
        assert_eq!(backend.renew(&lease).await, Renewal::Continue);
    }
    assert_eq!(backend.take_as("worker-2").await, None);
    assert_eq!(backend.print(&lease, &["a"]).await.number(), 3);
    backend.finish(&lease).await;
    for number in 1..=4 {
        assert_eq!(next_event(&mut watcher).await.sequence.number(), number);
    }
    assert_eq!(text_of(&backend.events(id(1)).await[2]), "a");
    assert_eq!(depth(&backend).await, QueueDepth::default());
}

/// A granted execution is one of those that its user runs, and none of those that wait.
pub async fn a_granted_offer_counts_as_running(Granting(backend): Granting) {
    let first = backend.offer(1, "alice", "worker-1").await;
    backend.offer(2, "alice", "worker-1").await;
    assert_waits(&backend, 3, "alice").await;
    let refused = backend.try_offer(4, "alice", "worker-1").await;
    let Err(StoreError::QuotaExceeded { quota, limit, .. }) = refused else {
        panic!("one execution of alice waits: {refused:?}");
    };
    assert_eq!((quota, limit), (Quota::Pending, 1));
    assert_eq!(backend.find(id(4)).await, None);
    assert_eq!(backend.try_take().await, None);
    backend.finish(&first).await;
    assert_eq!(backend.take().await.id(), id(3));
    assert_waits(&backend, 5, "alice").await;
}

/// While an execution of any user could be taken, no offer is granted, and that one is taken first.
pub async fn no_offer_is_granted_past_a_waiting_execution(Granting(backend): Granting) {
    backend.submit(1, "bob").await;
    assert_waits(&backend, 2, "alice").await;
    assert_waits(&backend, 3, "carol").await;
    let order = [(); 3].map(|()| backend.take());
    let mut taken = Vec::new();
    for take in order {
        taken.push(take.await.id());
    }
    assert_eq!(taken, [1, 2, 3].map(id));
    leased(backend.try_offer(4, "alice", "worker-1").await);
}

/// The same holds for an execution that was given back, and for one whose worker has lost its lease.
pub async fn no_offer_is_granted_past_an_execution_without_a_worker(Granting(backend): Granting) {
    let released = backend.start(1, "bob").await;
    backend.release(&released).await;
    assert_waits(&backend, 2, "alice").await;
    assert_eq!(backend.take().await.id(), id(1));
    assert_eq!(backend.take().await.id(), id(2));
    backend.advance(backend.policy.lease + SECOND);
    assert_waits(&backend, 3, "carol").await;
    let [first, second] = [backend.take().await, backend.take().await];
    assert_eq!(
        [first.attempt(), second.attempt()],
        [attempt(3), attempt(2)]
    );
    assert_eq!(backend.take().await.id(), id(3));
}

/// A repetition after a lost reply, with or without an offer, is answered with the running execution.
pub async fn a_repeated_offer_changes_nothing(Granting(backend): Granting) {
    let lease = backend.offer(1, "alice", "worker-1").await;
    let events = backend.events(id(1)).await;
    backend.advance(SECOND);
    for offer in [Some("worker-1"), Some("worker-2"), None] {
        let again = backend.submit_with(lease.execution(), offer).await.unwrap();
        let running = Box::new(lease.execution().clone());
        assert_eq!(again, Submitted::AlreadyExists(running));
    }
    backend.assert_unchanged(lease.execution(), &events).await;
    backend.offer(2, "alice", "worker-1").await;
    backend.finish(&lease).await;
}

/// A worker that never learns of its lease loses it as any silent worker does.
pub async fn a_granted_lease_that_is_never_used_is_taken_over(Granting(backend): Granting) {
    let unknown = backend.offer(1, "alice", "worker-1").await;
    backend.advance(backend.policy.lease - SECOND);
    assert_eq!(backend.take_as("worker-2").await, None);
    backend.advance(SECOND * 2);
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_eq!((lease.id(), lease.attempt()), (id(1), attempt(2)));
    let late = [chunk(&unknown, "late")];
    let last = lease.execution().sequence();
    assert_lost(backend.queue.append(&unknown, last, &late).await);
    backend.assert_powerless(&unknown).await;
    backend.finish(&lease).await;
}

/// Of many equal submissions at a time one worker gets the lease, and all others the running execution.
pub async fn of_many_equal_offers_one_is_granted(Granting(backend): Granting) {
    let execution = backend.draft(1, "alice", draft());
    let answers = at_once(16, |number| {
        let (store, execution) = (Arc::clone(&backend.store), execution.clone());
        async move {
            let offer = Some(worker(&format!("worker-{number}")));
            store.submit(&execution, offer).await.unwrap().submitted
        }
    })
    .await;
    let (mut leases, mut running) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Submitted::Leased(lease) => leases.push(lease),
            Submitted::AlreadyExists(execution) => running.push(execution),
            Submitted::Accepted => panic!("nobody waits"),
        }
    }
    assert_eq!((leases.len(), running.len()), (1, 15));
    assert!(running.iter().all(|it| **it == *leases[0].execution()));
    backend.finish(&leases[0]).await;
}

/// Of many offers for one user at a time no more are granted than the user may run.
pub async fn many_offers_do_not_exceed_the_running_bound(Granting(backend): Granting) {
    let backend = Arc::new(backend);
    let answers = at_once(16, |number| {
        let backend = Arc::clone(&backend);
        async move { backend.try_offer(number + 1, "alice", "worker-1").await }
    })
    .await;
    let granted: Vec<ExecutionId> = answers
        .into_iter()
        .filter_map(|answer| match answer.ok()? {
            Submitted::Leased(lease) => Some(lease.id()),
            Submitted::Accepted | Submitted::AlreadyExists(_) => None,
        })
        .collect();
    assert_eq!(granted.len(), 2, "two may run, and one may wait");
    let counted = QueueDepth {
        pending: 1,
        running: 2,
    };
    assert_eq!(depth(&backend).await, counted);
    assert_eq!(backend.try_take().await, None);
}
