//! Checks that workers take each execution once, in order, in their languages.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{EVERYONE, language};
use coderun_domain::{Event, Lease, State};

use crate::fixtures::{SECOND, at_once, attempt, id, languages, progress_of, worker, written_in};
use crate::{Backend, Pending};

/// There is nothing to take at the beginning, and when every execution is running or has ended.
pub async fn an_empty_queue_has_nothing_to_take(backend: Backend) {
    assert_eq!(backend.try_take().await, None);
    let lease = backend.start(1, "alice").await;
    assert_eq!(backend.try_take().await, None);
    backend.finish(&lease).await;
    assert_eq!(backend.try_take().await, None);
}

/// The lease holds the execution as it is stored: running, by this worker, in its first attempt, with an event.
pub async fn a_taken_execution_is_running(backend: Backend) {
    let submitted = backend.submit(1, "alice").await;
    backend.advance(Duration::from_secs(2));
    let lease = backend.take_as("worker-7").await.unwrap();
    assert_eq!(lease.attempt(), attempt(1));
    let (worker, started_at) = (worker("worker-7"), backend.now());
    let running = State::Running { worker, started_at };
    assert_eq!(*lease.execution().state(), running);
    assert_eq!(lease.execution().submission(), submitted.submission());
    assert_eq!(backend.get(id(1)).await, *lease.execution());
    let events = backend.events(id(1)).await;
    assert_eq!(events.len(), 2);
    let started = Event::Updated(lease.execution().progress().clone());
    assert_eq!(events[1].event, started);
}

/// Of sixteen takers at a time each gets other executions, and together they get all.
pub async fn each_execution_is_taken_once_by_many_takers(backend: Backend) {
    const EXECUTIONS: u32 = 100;
    for number in 1..=EXECUTIONS {
        let name = ["alice", "bob", "carol"][number as usize % 3];
        backend.submit(number, name).await;
    }
    let taken = at_once(16, |number| {
        let queue = Arc::clone(&backend.queue);
        async move {
            let (worker, languages) = (worker(&format!("worker-{number}")), languages());
            let mut taken = Vec::new();
            while let Some(lease) = queue
                .take(&worker, &languages, EVERYONE, 1)
                .await
                .unwrap()
                .pop()
            {
                assert_eq!(lease.attempt(), attempt(1));
                taken.push(lease.id());
            }
            taken
        }
    })
    .await
    .concat();
    assert_eq!(taken.len(), EXECUTIONS as usize);
    let distinct: HashSet<_> = taken.into_iter().collect();
    assert_eq!(distinct.len(), EXECUTIONS as usize);
}

/// A worker gets nothing that it did not ask for, and misses nothing behind it.
pub async fn only_requested_languages_are_taken(backend: Backend) {
    for number in 1..=3 {
        backend.submit_draft(number, "alice", written_in("c")).await;
    }
    backend.submit_draft(4, "alice", written_in("python")).await;
    backend.submit_draft(5, "bob", written_in("c")).await;
    let take = async |asked: &[&str]| {
        let asked: Vec<_> = asked.iter().map(|name| language(name)).collect();
        let leases = backend
            .queue
            .take(&worker("w"), &asked, EVERYONE, 1)
            .await
            .unwrap();
        leases.first().map(Lease::id)
    };
    assert_eq!(take(&[]).await, None);
    assert_eq!(take(&["ruby"]).await, None);
    assert_eq!(take(&["python"]).await, Some(id(4)));
    assert_eq!(take(&["python", "ruby"]).await, None);
    let mut rest = HashSet::new();
    for _ in 0..4 {
        rest.insert(take(&["ruby", "c", "python"]).await.unwrap());
    }
    assert_eq!(rest, HashSet::from([1, 2, 3, 5].map(id)));
}

/// Among the executions of one user the earliest submission is taken first, independently of the ids.
pub async fn executions_of_one_user_are_taken_in_submission_order(backend: Backend) {
    let order = [7, 3, 9, 1, 8];
    for (number, name) in order.into_iter().zip(["c", "python"].into_iter().cycle()) {
        let draft = written_in(name);
        backend.submit_draft(number, "alice", draft).await;
    }
    for number in order {
        let lease = backend.take().await;
        assert_eq!(lease.id(), id(number));
        let events = backend.events(id(number)).await;
        assert_eq!(progress_of(&events[0]).attempt(), attempt(0));
    }
}

/// An execution that has outlived its time in the queue is left to the sweep, and the one behind it is taken.
pub async fn an_execution_past_its_queue_deadline_is_not_taken(Pending(backend): Pending) {
    backend.advance(backend.policy.queue_deadline);
    backend.submit(2, "alice").await;
    backend.advance(SECOND);
    assert_eq!(backend.take().await.id(), id(2));
    assert_eq!(backend.try_take().await, None);
    assert_eq!(backend.sweep().await.ended, 1);
    assert!(backend.get(id(1)).await.status().is_final());
}
