//! The steps of a run: append, finish, release, each safe to repeat.

use std::sync::Arc;

use coderun_domain::testing::{failed, finished};
use coderun_domain::{Event, QueueError, RunEvent, Sequence, State, Status};

use crate::fixtures::{
    SECOND, assert_lost, at_once, attempt, chunk, id, next_event, numbers, progress_of, text_of,
};
use crate::{Backend, Interactive, Running};

/// Pieces of output become events, numbered on from the last one; the record counts them.
pub async fn output_is_numbered_behind_what_there_is(Running { backend, lease }: Running) {
    backend.advance(SECOND);
    let last = backend.print(&lease, &["a", "b"]).await;
    assert_eq!(last, Sequence::from_number(4));
    assert_eq!(backend.print(&lease, &["c"]).await.number(), 5);
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4, 5]);
    let pieces = ["a", "b", "c"].map(|text| Event::from(chunk(&lease, text)));
    let stored: Vec<_> = events.into_iter().skip(2).map(|it| it.event).collect();
    assert_eq!(stored, pieces);
    let counted = lease.execution().clone().append(3, backend.now()).unwrap();
    assert_eq!(backend.get(id(1)).await, counted);
}

/// No pieces, no event: the answer is the last number there is.
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
pub async fn an_append_adds_only_what_is_not_there(Running { backend, lease }: Running) {
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
pub async fn many_equal_appends_are_one(Running { backend, lease }: Running) {
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

/// That a program waits for input is told in its place among what it wrote, with its attempt, to those who watch and to
/// those who come later.
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
    assert_eq!(
        record,
        lease.execution().clone().append(3, backend.now()).unwrap()
    );
}

/// The same wait after a lost reply is stored once; what is new behind it is stored.
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
    let outcome = Arc::new(finished());
    let completed_at = backend.now();
    assert_eq!(
        *ended.state(),
        State::Final {
            outcome,
            completed_at
        }
    );
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
pub async fn another_outcome_comes_too_late(Running { backend, lease }: Running) {
    backend.finish(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    let other = backend.queue.finish(&lease, &failed()).await;
    assert!(matches!(other, Ok(()) | Err(QueueError::LeaseLost)));
    backend.assert_unchanged(&record, &events).await;
}

/// Once it has finished, a worker can append, renew and release no more.
pub async fn after_the_end_the_lease_is_lost(Running { backend, lease }: Running) {
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
pub async fn a_released_execution_waits_again(Running { backend, lease }: Running) {
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

/// What a worker gives back has waited already: it goes before what has not been taken yet.
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
pub async fn a_released_execution_is_not_its_workers_any_more(Running { backend, lease }: Running) {
    backend.release(&lease).await;
    let (record, events) = (backend.get(id(1)).await, backend.events(id(1)).await);
    let late = [chunk(&lease, "too late")];
    let last = record.sequence();
    assert_lost(backend.queue.append(&lease, last, &late).await);
    assert_lost(backend.queue.renew(&lease).await);
    assert_lost(backend.queue.finish(&lease, &finished()).await);
    backend.assert_unchanged(&record, &events).await;
    backend.take_as("worker-2").await.unwrap();
    backend.assert_powerless(&lease).await;
}

/// Where the clock goes back the times of an execution stay.
pub async fn times_never_go_back(backend: Backend) {
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
