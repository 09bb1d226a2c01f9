//! Checks the delivery of events that are stored during a subscription.

use std::sync::Arc;

use coderun_domain::testing::finished;
use coderun_domain::{Sequence, Status};
use futures_util::StreamExt;
use tokio::task::JoinSet;

use crate::fixtures::{
    attempt, chunk, drain_events, id, is_waiting, next_event, numbers, progress_of, text_of, within,
};
use crate::{Backend, Pending, Running};

/// A watcher that has seen all events gets each new one by the same stream.
pub async fn events_are_delivered_as_they_are_stored(Pending(backend): Pending) {
    let mut stream = backend.watch(id(1), 0).await;
    assert_eq!(next_event(&mut stream).await.sequence.number(), 1);
    assert!(is_waiting(&mut stream.next()).await);
    let lease = backend.take().await;
    let event = next_event(&mut stream).await;
    assert_eq!(progress_of(&event), lease.execution().progress());
    for text in ["a", "b"] {
        assert!(is_waiting(&mut stream.next()).await);
        backend.print(&lease, &[text]).await;
        assert_eq!(text_of(&next_event(&mut stream).await), text);
    }
    assert!(is_waiting(&mut stream.next()).await);
    backend.release(&lease).await;
    let event = next_event(&mut stream).await;
    assert_eq!(progress_of(&event).status(), Status::Pending);
}

/// After the final event the stream ends, for present and for later watchers.
pub async fn the_stream_ends_with_the_final_event(Running { backend, lease }: Running) {
    let mut early = backend.watch(id(1), 2).await;
    assert!(is_waiting(&mut early.next()).await);
    backend.finish(&lease).await;
    let event = next_event(&mut early).await;
    assert!(progress_of(&event).status().is_final());
    assert!(within(early.next()).await.is_none());
    let late = drain_events(backend.watch(id(1), 2).await).await;
    assert_eq!(late, [event]);
}

/// A stream that begins beyond the last event skips the events up to its beginning, and ends with the execution.
pub async fn a_stream_that_begins_beyond_the_last_event_ends_with_the_execution(
    Running { backend, lease }: Running,
) {
    let mut near = backend.watch(id(1), 3).await;
    let far = backend.watch(id(1), 1000).await;
    backend.print(&lease, &["a", "b"]).await;
    assert_eq!(next_event(&mut near).await.sequence.number(), 4);
    backend.finish(&lease).await;
    assert_eq!(numbers(&drain_events(near).await), [5]);
    assert_eq!(drain_events(far).await, []);
}

/// Each of many subscribers receives every event, whenever it subscribed.
pub async fn every_subscriber_receives_every_event(Pending(backend): Pending) {
    let mut streams = vec![backend.watch(id(1), 0).await];
    let lease = backend.take().await;
    streams.push(backend.watch(id(1), 0).await);
    for text in ["a", "b", "c"] {
        backend.print(&lease, &[text]).await;
        streams.push(backend.watch(id(1), 0).await);
    }
    backend.finish(&lease).await;
    let all = backend.events(id(1)).await;
    assert_eq!(all.len(), 6);
    for stream in streams {
        assert_eq!(drain_events(stream).await, all);
    }
}

/// A watcher of one execution gets no events of another one of the same user.
pub async fn events_of_other_executions_are_not_delivered(backend: Backend) {
    let first = backend.start(1, "alice").await;
    let second = backend.start(2, "alice").await;
    let stream = backend.watch(id(1), 2).await;
    let other = backend.watch(id(2), 2).await;
    backend.print(&second, &["of the second"]).await;
    backend.print(&first, &["of the first"]).await;
    backend.print(&second, &["of the second"]).await;
    backend.finish(&second).await;
    backend.finish(&first).await;
    let events = drain_events(stream).await;
    assert_eq!(numbers(&events), [3, 4]);
    assert_eq!(text_of(&events[0]), "of the first");
    let events = drain_events(other).await;
    assert_eq!(numbers(&events), [3, 4, 5]);
    assert_eq!(text_of(&events[1]), "of the second");
}

/// When another worker takes over, watchers learn of the new attempt, and its output carries the number.
pub async fn a_takeover_is_delivered(backend: Backend) {
    let lost = backend.start(1, "alice").await;
    backend.print(&lost, &["void"]).await;
    let mut stream = backend.watch(id(1), 3).await;
    assert!(is_waiting(&mut stream.next()).await);
    backend.advance(backend.policy.lease * 2);
    let lease = backend.take_as("worker-2").await.unwrap();
    let event = next_event(&mut stream).await;
    assert_eq!(progress_of(&event).attempt(), attempt(2));
    backend.print(&lease, &["good"]).await;
    let event = next_event(&mut stream).await;
    assert_eq!(event.event, chunk(&lease, "good").into());
}

/// A subscription during many events delivers each of them once, whether it begins at the start or at a snapshot.
pub async fn nothing_is_lost_between_replay_and_live(backend: Backend) {
    const ROUNDS: u32 = 40;
    const CHUNKS: u64 = 40;
    let backend = Arc::new(backend);
    for round in 1..=ROUNDS {
        let lease = backend.start(round, "alice").await;
        let id = lease.id();
        let mut tasks = JoinSet::new();
        let queue = Arc::clone(&backend.queue);
        tasks.spawn(async move {
            let mut last = lease.execution().sequence();
            for _ in 0..CHUNKS {
                let piece = [chunk(&lease, "x")];
                last = queue.append(&lease, last, &piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            queue.finish(&lease, last, &[], &finished()).await.unwrap();
        });
        for watcher in 0..4 {
            let backend = Arc::clone(&backend);
            tasks.spawn(async move {
                let snapshot = match watcher % 2 {
                    0 => Sequence::START,
                    _ => backend.get(id).await.sequence(),
                };
                let stream = backend.watch(id, snapshot.number()).await;
                let delivered = numbers(&drain_events(stream).await);
                let expected: Vec<_> = (snapshot.next().number()..=CHUNKS + 3).collect();
                assert_eq!(delivered, expected, "round {round}, since {snapshot}");
            });
        }
        within(tasks.join_all()).await;
    }
}

/// Steps do not wait for a subscriber that reads nothing, and when it reads at last it misses nothing.
pub async fn a_slow_subscriber_blocks_no_step_and_catches_up(Running { backend, lease }: Running) {
    let slow = backend.watch(id(1), 0).await;
    let mut quick = backend.watch(id(1), 2).await;
    let large = "x".repeat(4096);
    for number in 3..=1002 {
        within(backend.print(&lease, &[&large])).await;
        assert_eq!(next_event(&mut quick).await.sequence.number(), number);
    }
    backend.finish(&lease).await;
    let expected: Vec<_> = (1..=1003).collect();
    assert_eq!(numbers(&drain_events(slow).await), expected);
}

/// Subscribers that are dropped, before or after their first event, take no events from the others.
pub async fn a_dropped_subscriber_affects_no_other(Running { backend, lease }: Running) {
    let mut stays = backend.watch(id(1), 2).await;
    for number in 3..=52 {
        drop(backend.watch(id(1), 0).await);
        let mut leaves = backend.watch(id(1), number - 1).await;
        assert!(is_waiting(&mut leaves.next()).await);
        let also_leaves = backend.watch(id(1), number - 1).await;
        backend.print(&lease, &["x"]).await;
        drop(also_leaves);
        assert_eq!(next_event(&mut stays).await.sequence.number(), number);
        assert_eq!(next_event(&mut leaves).await.sequence.number(), number);
    }
    backend.finish(&lease).await;
    assert_eq!(numbers(&drain_events(stays).await), [53]);
}

/// Cancelling a wait for the next event, as a timeout does, loses no event.
pub async fn a_cancelled_wait_for_an_event_loses_none(Running { backend, lease }: Running) {
    let mut stream = backend.watch(id(1), 2).await;
    for number in 3..=22 {
        for _ in 0..3 {
            assert!(is_waiting(&mut stream.next()).await);
        }
        backend.print(&lease, &["x"]).await;
        assert_eq!(next_event(&mut stream).await.sequence.number(), number);
    }
}
