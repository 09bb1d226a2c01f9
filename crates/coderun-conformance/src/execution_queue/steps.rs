//! Checks the steps of a run: append, finish and release, each safe to repeat.

use std::sync::Arc;

use coderun_domain::testing::{failed, finished};
use coderun_domain::{Event, QueueError, RunEvent, Sequence, Status};

use crate::fixtures::{
    SECOND, assert_lost, at_once, attempt, chunk, id, next_event, numbers, progress_of, text_of,
};
use crate::{Backend, Interactive, Running};

/// Pieces of output become events, numbered on from the last one; the record counts them.
pub async fn output_continues_the_sequence_of_events(Running { backend, lease }: Running) {
    backend.advance(SECOND);
    let last = backend.print(&lease, &["a", "b"]).await;
    assert_eq!(last, Sequence::from_number(4));
    assert_eq!(backend.print(&lease, &["c"]).await.number(), 5);
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4, 5]);
    let pieces = ["a", "b", "c"].map(|text| Event::from(chunk(&lease, text)));
    let stored: Vec<_> = events.into_iter().skip(2).map(|it| it.event).collect();
    assert_eq!(stored, pieces);
    let counted = lease
        .execution()
        .clone()
        .count_events(3, backend.now())
        .unwrap();
    assert_eq!(backend.get(id(1)).await, counted);
}

/// Without pieces there is no event, and the answer is the number of the last event.
pub async fn appending_nothing_changes_nothing(Running { backend, lease }: Running) {
    backend.advance(SECOND);
    let events = backend.events(id(1)).await;
    let last = lease.execution().sequence();
    let answer = backend.queue.append(&lease, last, &[]).await.unwrap();
    assert_eq!(answer, last);
    backend.assert_unchanged(lease.execution(), &events).await;
}

/// The same append after a lost reply is answered alike and stored once.
pub async fn a_repeated_append_changes_nothing(Running { backend, lease }: Running) {
    let after = lease.execution().sequence();
    let pieces = [chunk(&lease, "a"), chunk(&lease, "b")];
    let last = backend.queue.append(&lease, after, &pieces).await.unwrap();
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    backend.advance(SECOND);
    for _ in 0..2 {
        let again = backend.queue.append(&lease, after, &pieces).await.unwrap();
        assert_eq!(again, last);
    }
    backend.assert_unchanged(&record, &events).await;
}

/// A repetition with more pieces behind stores just those.
pub async fn an_overlapping_append_adds_only_new_events(Running { backend, lease }: Running) {
    let after = lease.execution().sequence();
    let pieces = ["a", "b", "c"].map(|text| chunk(&lease, text));
    let first = backend.queue.append(&lease, after, &pieces[..1]).await;
    assert_eq!(first.unwrap(), after.next());
    let all = backend.queue.append(&lease, after, &pieces).await;
    assert_eq!(all.unwrap(), after.plus(3));
    let events = backend.events(id(1)).await;
    let texts: Vec<_> = events.iter().skip(2).map(text_of).collect();
    assert_eq!(texts, ["a", "b", "c"]);
}

/// A worker that knows of events that were never stored is not obeyed, so that no gap comes to be.
pub async fn an_append_beyond_the_last_event_is_refused(Running { backend, lease }: Running) {
    let events = backend.events(id(1)).await;
    let beyond = lease.execution().sequence().next();
    let piece = [chunk(&lease, "a")];
    assert_lost(backend.queue.append(&lease, beyond, &piece).await);
    backend.assert_unchanged(lease.execution(), &events).await;
}

/// Of many equal appends at a time one is stored, and all get the same answer.
pub async fn many_equal_appends_are_stored_once(Running { backend, lease }: Running) {
    let answers = at_once(8, |_| {
        let (queue, lease) = (Arc::clone(&backend.queue), lease.clone());
        async move {
            let pieces = [chunk(&lease, "a"), chunk(&lease, "b")];
            let after = lease.execution().sequence();
            queue.append(&lease, after, &pieces).await.unwrap()
        }
    })
    .await;
    assert_eq!(answers, [Sequence::from_number(4); 8]);
    assert_eq!(backend.events(id(1)).await.len(), 4);
}

/// A wait for input is delivered among the output before and after it, with its attempt, to present and later watchers.
pub async fn waiting_for_input_is_an_event_among_output(
    Interactive { backend, lease }: Interactive,
) {
    let mut live = backend.watch(id(1), 2).await;
    let waits = RunEvent::AwaitingInput(lease.attempt());
    let happened = [chunk(&lease, "name? "), waits.clone(), chunk(&lease, "hi")];
    let after = lease.execution().sequence();
    let last = backend.queue.append(&lease, after, &happened).await;
    assert_eq!(last.unwrap(), after.plus(3));
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4, 5]);
    for (stored, happened) in events[2..].iter().zip(happened) {
        assert_eq!(stored.event, Event::from(happened));
        assert_eq!(next_event(&mut live).await, *stored);
    }
    let record = backend.get(id(1)).await;
    let counted = lease.execution().clone().count_events(3, backend.now());
    assert_eq!(record, counted.unwrap());
}

/// The same wait after a lost reply is stored once; new events behind it are stored.
pub async fn a_repeated_wait_for_input_changes_nothing(
    Interactive { backend, lease }: Interactive,
) {
    let after = lease.execution().sequence();
    let waits = RunEvent::AwaitingInput(lease.attempt());
    let happened = [waits.clone(), waits, chunk(&lease, "hi")];
    for count in [1, 1, 3, 2] {
        let some = &happened[..count];
        backend.queue.append(&lease, after, some).await.unwrap();
    }
    let events = backend.events(id(1)).await;
    let stored: Vec<_> = events.into_iter().skip(2).map(|it| it.event).collect();
    assert_eq!(stored, happened.map(Event::from));
}

/// The end is stored as given: final state, verdict, time, and one last event.
pub async fn finishing_is_the_last_event(Running { backend, lease }: Running) {
    backend.print(&lease, &["a"]).await;
    backend.advance(SECOND);
    backend.finish(&lease).await;
    let ended = backend.get(id(1)).await;
    assert_eq!(ended.outcome(), Some(&Arc::new(finished())));
    assert_eq!(ended.progress().completed_at(), Some(backend.now()));
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4]);
    assert_eq!(progress_of(&events[3]), ended.progress());
    assert_eq!(backend.try_take().await, None);
}

/// The same finish after a lost reply is `Ok` and changes nothing.
pub async fn a_repeated_finish_changes_nothing(Running { backend, lease }: Running) {
    backend.finish(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    backend.advance(SECOND);
    for _ in 0..2 {
        backend.finish(&lease).await;
    }
    backend.assert_unchanged(&record, &events).await;
}

/// The first outcome stands, even if the same worker brings another one.
pub async fn a_second_outcome_changes_nothing(Running { backend, lease }: Running) {
    backend.finish(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    let other = backend.try_finish(&lease, &failed()).await;
    assert!(matches!(other, Ok(()) | Err(QueueError::LeaseLost)));
    backend.assert_unchanged(&record, &events).await;
}

/// Once it has finished, a worker can append, renew and release no more.
pub async fn the_lease_is_lost_after_the_end(Running { backend, lease }: Running) {
    backend.finish(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    let late = [chunk(&lease, "too late")];
    let last = record.sequence();
    assert_lost(backend.queue.append(&lease, last, &late).await);
    assert_lost(backend.queue.renew(&lease).await);
    assert_lost(backend.queue.release(&lease).await);
    backend.assert_unchanged(&record, &events).await;
}

/// A released execution is pending again, in the same attempt until it is taken; then the output so far is void.
pub async fn a_released_execution_is_pending_again(Running { backend, lease }: Running) {
    backend.print(&lease, &["void"]).await;
    backend.release(&lease).await;
    let waiting = backend.get(id(1)).await;
    assert_eq!(waiting.status(), Status::Pending);
    assert_eq!(waiting.attempt(), attempt(1));
    let again = backend.take_as("worker-2").await.unwrap();
    assert_eq!((again.id(), again.attempt()), (id(1), attempt(2)));
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4, 5]);
    assert_eq!(progress_of(&events[3]), waiting.progress());
    assert_eq!(progress_of(&events[4]), again.execution().progress());
    backend.finish(&again).await;
}

/// A released execution has waited already: it precedes those that have not been taken yet.
pub async fn a_released_execution_is_taken_next(Running { backend, lease }: Running) {
    for (number, name) in (2..).zip(["bob", "carol", "bob", "carol", "alice"]) {
        backend.submit(number, name).await;
    }
    backend.release(&lease).await;
    assert_eq!(backend.take().await.id(), id(1));
}

/// The same release after a lost reply is `Ok` and changes nothing.
pub async fn a_repeated_release_changes_nothing(Running { backend, lease }: Running) {
    backend.release(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    backend.advance(SECOND);
    backend.release(&lease).await;
    backend.assert_unchanged(&record, &events).await;
    backend.take().await;
    assert_eq!(backend.try_take().await, None);
}

/// After it has given an execution back a worker can renew, append and finish no more.
pub async fn a_release_revokes_the_lease(Running { backend, lease }: Running) {
    backend.release(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    let late = [chunk(&lease, "too late")];
    let last = record.sequence();
    assert_lost(backend.queue.append(&lease, last, &late).await);
    assert_lost(backend.queue.renew(&lease).await);
    assert_lost(backend.try_finish(&lease, &finished()).await);
    backend.assert_unchanged(&record, &events).await;
    backend.take_as("worker-2").await.unwrap();
    backend.assert_powerless(&lease).await;
}

/// Where the clock goes back the times of an execution stay.
pub async fn times_of_an_execution_never_go_back(backend: Backend) {
    backend.set_clock(100);
    backend.submit(1, "alice").await;
    backend.set_clock(90);
    let lease = backend.take().await;
    backend.set_clock(80);
    backend.print(&lease, &["a"]).await;
    backend.set_clock(70);
    backend.release(&lease).await;
    backend.set_clock(95);
    let lease = backend.take().await;
    backend.set_clock(60);
    backend.finish(&lease).await;
    let events = backend.events(id(1)).await;
    let updates = events
        .iter()
        .filter(|it| matches!(it.event, Event::Updated(_)));
    let times: Vec<_> = updates.map(|it| progress_of(it).updated_at()).collect();
    assert_eq!(times.len(), 5);
    assert!(times.is_sorted(), "{times:?}");
    let ended = backend.get(id(1)).await;
    let created_at = ended.progress().created_at();
    assert!(ended.progress().completed_at().unwrap() >= created_at);
}
