//! Checks that the end of a run stores the events that were not stored before, in one step.

use std::sync::Arc;

use coderun_domain::testing::{failed, finished};
use coderun_domain::{Event, ExecutionId, QueueError, RunEvent, StoredEvent};

use crate::fixtures::{
    SECOND, assert_lost, at_once, chunk, drain_events, id, numbers, progress_of, text_of,
};
use crate::{Backend, Interactive, Running};

/// The texts of the events between the start and the end.
fn texts(events: &[StoredEvent]) -> Vec<&str> {
    events[2..events.len() - 1].iter().map(text_of).collect()
}

async fn events(backend: &Backend, id: ExecutionId) -> Vec<StoredEvent> {
    drain_events(backend.watch(id, 0).await).await
}

/// The events of the run get the numbers after the last one, and the end is the last event.
pub async fn a_finish_stores_the_events_before_the_end(Running { backend, lease }: Running) {
    backend.advance(SECOND);
    let after = lease.execution().sequence();
    let pieces = ["a", "b", "c"].map(|text| chunk(&lease, text));
    let finish = backend.finish_after(&lease, after, &pieces);
    finish.await.unwrap();
    let stored = backend.events(id(1)).await;
    assert_eq!(numbers(&stored), [1, 2, 3, 4, 5, 6]);
    assert_eq!(texts(&stored), ["a", "b", "c"]);
    let ended = backend.get(id(1)).await;
    assert_eq!(progress_of(&stored[5]), ended.progress());
    assert_eq!(ended.outcome(), Some(&Arc::new(finished())));
    assert_eq!(ended.progress().completed_at(), Some(backend.now()));
    assert_eq!(events(&backend, id(1)).await, stored);
}

/// Watchers cannot tell whether the last events were appended before the end or stored with it.
pub async fn a_finish_equals_an_append_and_a_finish(backend: Backend) {
    let appending = backend.start(1, "alice").await;
    let finishing = backend.start(2, "alice").await;
    let after = appending.execution().sequence();
    let live = [backend.watch(id(1), 0).await, backend.watch(id(2), 0).await];
    let pieces = [
        chunk(&appending, "a"),
        RunEvent::AwaitingInput(appending.attempt()),
        chunk(&appending, "b"),
    ];
    let queue = &backend.queue;
    let last = queue.append(&appending, after, &pieces).await.unwrap();
    let finish = backend.finish_after(&appending, last, &[]);
    finish.await.unwrap();
    let finish = backend.finish_after(&finishing, after, &pieces);
    finish.await.unwrap();
    let [first, second] = live;
    let (first, second) = (drain_events(first).await, drain_events(second).await);
    assert_eq!(first, second);
    let [first, second] = [backend.get(id(1)).await, backend.get(id(2)).await];
    assert_eq!(first.progress(), second.progress());
}

/// The same finish after a lost reply is `Ok` and stores nothing again.
pub async fn a_repeated_finish_stores_no_event_again(Running { backend, lease }: Running) {
    let after = lease.execution().sequence();
    let pieces = [chunk(&lease, "a"), chunk(&lease, "b")];
    let finish = || backend.finish_after(&lease, after, &pieces);
    finish().await.unwrap();
    let (record, stored) = (backend.get(id(1)).await, backend.events(id(1)).await);
    backend.advance(SECOND);
    for _ in 0..2 {
        finish().await.unwrap();
    }
    backend.assert_unchanged(&record, &stored).await;
    // Also one with more events, or with another outcome, changes nothing.
    let more = [chunk(&lease, "a"), chunk(&lease, "b"), chunk(&lease, "c")];
    let other = backend.queue.finish(&lease, after, &more, &failed()).await;
    assert!(matches!(other, Ok(()) | Err(QueueError::LeaseLost)));
    backend.assert_unchanged(&record, &stored).await;
}

/// Events whose append has been stored, although its reply was lost, are not stored again.
pub async fn a_finish_adds_only_new_events(Running { backend, lease }: Running) {
    let after = lease.execution().sequence();
    let pieces = ["a", "b", "c"].map(|text| chunk(&lease, text));
    let queue = &backend.queue;
    queue.append(&lease, after, &pieces[..2]).await.unwrap();
    let finish = backend.finish_after(&lease, after, &pieces);
    finish.await.unwrap();
    assert_eq!(texts(&events(&backend, id(1)).await), ["a", "b", "c"]);
}

/// Where all events are stored already, only the end is added.
pub async fn a_finish_without_new_events_is_the_end_alone(Running { backend, lease }: Running) {
    let after = lease.execution().sequence();
    let pieces = [chunk(&lease, "a"), chunk(&lease, "b")];
    let queue = &backend.queue;
    let last = queue.append(&lease, after, &pieces).await.unwrap();
    let finish = backend.finish_after(&lease, after, &pieces[..1]);
    finish.await.unwrap();
    let stored = events(&backend, id(1)).await;
    assert_eq!(texts(&stored), ["a", "b"]);
    assert_eq!(stored[4].sequence, last.next());
}

/// A worker that knows of events that are not stored any more cannot end the execution over the gap, and may still end it
/// by what is stored.
pub async fn a_finish_beyond_the_last_event_is_refused(Running { backend, lease }: Running) {
    let stored = backend.events(id(1)).await;
    let last = lease.execution().sequence();
    let piece = [chunk(&lease, "b")];
    for pieces in [&piece[..], &[]] {
        let finish = backend.finish_after(&lease, last.next(), pieces);
        assert_lost(finish.await);
        backend.assert_unchanged(lease.execution(), &stored).await;
    }
    let finish = backend.finish_after(&lease, last, &piece);
    finish.await.unwrap();
    assert_eq!(texts(&events(&backend, id(1)).await), ["b"]);
}

/// A worker whose execution was taken over, deleted or ended otherwise stores neither events nor an end.
pub async fn a_finish_without_the_lease_stores_nothing(Running { backend, lease }: Running) {
    let late = [chunk(&lease, "late")];
    let finish = async || {
        let stored = backend.find(id(1)).await;
        let last = stored.map_or(lease.execution().sequence(), |it| it.sequence());
        for after in [lease.execution().sequence(), last] {
            assert_lost(backend.finish_after(&lease, after, &late).await);
        }
    };
    backend.advance(backend.policy.lease + SECOND);
    let taken_over = backend.take_as("worker-2").await.unwrap();
    let stored = backend.events(id(1)).await;
    finish().await;
    backend
        .assert_unchanged(taken_over.execution(), &stored)
        .await;
    backend.finish(&taken_over).await;
    let (record, stored) = (backend.get(id(1)).await, backend.events(id(1)).await);
    finish().await;
    backend.assert_unchanged(&record, &stored).await;
    backend.delete(id(1)).await;
    finish().await;
    assert_eq!(backend.find(id(1)).await, None);
}

/// Of many equal calls at a time one stores events and end, and all are `Ok`.
pub async fn many_equal_finishes_are_stored_once(Running { backend, lease }: Running) {
    let answers = at_once(8, |_| {
        let (queue, lease) = (Arc::clone(&backend.queue), lease.clone());
        async move {
            let pieces = [chunk(&lease, "a"), chunk(&lease, "b")];
            let after = lease.execution().sequence();
            queue.finish(&lease, after, &pieces, &finished()).await
        }
    })
    .await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(texts(&events(&backend, id(1)).await), ["a", "b"]);
}

/// A wait for input that was not stored before comes where it happened.
pub async fn a_finish_stores_a_wait_for_input(Interactive { backend, lease }: Interactive) {
    let after = lease.execution().sequence();
    let waits = RunEvent::AwaitingInput(lease.attempt());
    let happened = [chunk(&lease, "name? "), waits, chunk(&lease, "hi")];
    let finish = backend.finish_after(&lease, after, &happened);
    finish.await.unwrap();
    let stored = events(&backend, id(1)).await;
    let run = stored.into_iter().skip(2).take(3).map(|it| it.event);
    assert_eq!(run.collect::<Vec<_>>(), happened.map(Event::from));
}

/// Every event is stored, however many there are.
pub async fn a_finish_stores_many_events(Running { backend, lease }: Running) {
    const EVENTS: usize = 9_000;
    let after = lease.execution().sequence();
    let pieces: Vec<_> = (0..EVENTS)
        .map(|number| chunk(&lease, &number.to_string()))
        .collect();
    let finish = backend.finish_after(&lease, after, &pieces);
    finish.await.unwrap();
    let stored = events(&backend, id(1)).await;
    let expected: Vec<_> = (0..EVENTS).map(|number| number.to_string()).collect();
    assert_eq!(texts(&stored), expected);
}
