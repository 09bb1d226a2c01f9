//! Tests that the watchers of one execution share its feed.

mod falling_behind;
pub(crate) mod support;

use coderun_domain::testing::{draft, execution, finished, submission, user};
use coderun_domain::{Execution, FailureKind, Sequence, WatchError};
use futures_util::FutureExt as _;

use super::Dialect;
use support::{World, output, pending_again, running, updated};

const CORE: Dialect = Dialect::Core;
const FULL: Dialect = Dialect::Full;

#[tokio::test]
async fn watchers_share_one_subscription_and_the_bytes_of_each_event() {
    let world = World::new();
    let mut watchers = [CORE, FULL, FULL].map(|dialect| world.watch(&execution(), None, dialect));
    for watcher in &mut watchers {
        assert_eq!(world.next_sequence(watcher).await, 1);
    }
    world.finds_nothing(&mut watchers[0]);
    let subscription = world.subscription(0).await;
    assert_eq!(subscription.since, Sequence::from_number(1));
    subscription.send(updated(&running()));
    let mut messages = Vec::new();
    for watcher in &mut watchers {
        messages.push(world.next_message(watcher).await);
    }
    for message in &messages {
        assert_eq!(message.frame.as_ptr(), messages[0].frame.as_ptr());
    }
    assert_eq!(world.subscriptions(), 1);
}

#[tokio::test]
async fn a_core_watcher_is_told_updates_only() {
    let world = World::new();
    let mut core = world.watch(&running(), Some(2), CORE);
    let mut full = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut core);
    let subscription = world.subscription(0).await;
    subscription.send(output(3, "one"));
    let again = pending_again(3);
    subscription.send(updated(&again));
    assert_eq!(world.next_sequence(&mut full).await, 3);
    assert_eq!(world.next_sequence(&mut full).await, 4);
    assert_eq!(world.next_sequence(&mut core).await, 4);
}

#[tokio::test]
async fn watchers_who_have_read_the_same_state_share_its_snapshot() {
    let world = World::new();
    let mut first = world.watch(&running(), None, CORE);
    let mut second = world.watch(&running(), None, FULL);
    let snapshot = world.next_message(&mut first).await;
    let shared = world.next_message(&mut second).await;
    assert_eq!(snapshot.frame.as_ptr(), shared.frame.as_ptr());
    world.finds_nothing(&mut first);
    let again = pending_again(2);
    world.subscription(0).await.send(updated(&again));
    let event = world.next_message(&mut first).await;
    let mut third = world.watch(&again, None, FULL);
    let snapshot = world.next_message(&mut third).await;
    assert_eq!(snapshot.frame.as_ptr(), event.frame.as_ptr());
}

#[tokio::test]
async fn a_watcher_that_read_before_an_event_gets_it_from_the_log() {
    let world = World::new();
    let mut first = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut first);
    world.subscription(0).await.send(output(3, "meanwhile"));
    assert_eq!(world.next_sequence(&mut first).await, 3);
    let mut second = world.watch(&running(), None, FULL);
    assert_eq!(world.next_sequence(&mut second).await, 2);
    assert_eq!(world.next_sequence(&mut second).await, 3);
    assert_eq!(world.subscriptions(), 1);
}

#[tokio::test]
async fn a_watcher_that_read_an_event_before_the_feed_has_it_does_not_get_it_again() {
    let world = World::new();
    let mut first = world.watch(&running(), None, FULL);
    assert_eq!(world.next_sequence(&mut first).await, 2);
    let ahead = running().count_events(1, support::later()).unwrap();
    let mut second = world.watch(&ahead, None, FULL);
    assert_eq!(world.next_sequence(&mut second).await, 3);
    world.finds_nothing(&mut second);
    let subscription = world.subscription(0).await;
    subscription.send(output(3, "known to the second"));
    subscription.send(output(4, "new to both"));
    assert_eq!(world.next_sequence(&mut second).await, 4);
    assert_eq!(world.next_sequence(&mut first).await, 3);
    assert_eq!(world.next_sequence(&mut first).await, 4);
}

#[tokio::test]
async fn a_watcher_that_stops_waiting_loses_no_event() {
    let world = World::new();
    let mut watcher = world.watch(&running(), Some(2), FULL);
    for sequence in 3..10 {
        world.finds_nothing(&mut watcher);
        let subscription = world.subscription(0).await;
        subscription.send(output(sequence, "x"));
        assert_eq!(world.next_sequence(&mut watcher).await, sequence);
    }
}

#[tokio::test]
async fn a_failed_subscription_ends_all_watchers_and_the_next_one_starts_afresh() {
    let world = World::new();
    let mut watchers = [CORE, FULL].map(|dialect| world.watch(&running(), Some(2), dialect));
    world.finds_nothing(&mut watchers[0]);
    let subscription = world.subscription(0).await;
    subscription.send(output(3, "the last one"));
    subscription.fail(WatchError::Gone);
    assert_eq!(world.next_sequence(&mut watchers[1]).await, 3);
    for watcher in &mut watchers {
        let Err(error) = world.next(watcher).await else {
            panic!("the watcher is not told");
        };
        assert_eq!(error.kind(), WatchError::Gone.kind());
    }
    let mut fresh = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut fresh);
    world.subscription(1).await.send(output(3, "again"));
    assert_eq!(world.next_sequence(&mut fresh).await, 3);
}

#[tokio::test]
async fn all_watchers_end_after_the_final_event() {
    let world = World::new();
    let mut watchers = [CORE, FULL].map(|dialect| world.watch(&running(), Some(2), dialect));
    world.finds_nothing(&mut watchers[0]);
    let subscription = world.subscription(0).await;
    let is_final = running().finish(finished(), support::later()).unwrap();
    subscription.send(updated(&is_final));
    for watcher in &mut watchers {
        assert_eq!(world.next_sequence(watcher).await, 3);
        assert!(matches!(world.next(watcher).await, Ok(None)));
    }
    assert!(subscription.is_closed().await, "the feed has ended");
}

#[tokio::test]
async fn a_feed_is_dropped_with_its_last_watcher() {
    let world = World::new();
    let mut watchers = [(); 3].map(|()| world.watch(&running(), Some(2), FULL));
    world.finds_nothing(&mut watchers[1]);
    let subscription = world.subscription(0).await;
    let [first, rest @ ..] = watchers;
    drop(rest);
    drop(first);
    assert!(subscription.is_closed().await);
    let mut next = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut next);
    world.subscription(1).await.send(output(3, "x"));
    assert_eq!(world.next_sequence(&mut next).await, 3);
}

#[tokio::test]
async fn a_feed_that_has_ended_does_not_remove_the_one_after_it() {
    let world = World::new();
    let mut first = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut first);
    world.subscription(0).await.fail(WatchError::Gone);
    assert!(world.next(&mut first).await.is_err());
    let mut second = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut second);
    drop(first);
    let mut third = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut third);
    assert_eq!(world.subscriptions(), 2);
}

/// A client that names its submissions by keys may use the id of a deleted execution again.
#[tokio::test]
async fn an_execution_with_the_id_of_a_deleted_one_has_a_feed_of_its_own() {
    let world = World::new();
    let mut first = world.watch(&execution(), Some(1), CORE);
    world.finds_nothing(&mut first);
    let submission = submission(user("alice"), draft());
    let second = Execution::submit(execution().id(), submission, support::later());
    let mut second = world.watch(&second, Some(1), CORE);
    world.finds_nothing(&mut second);
    assert_eq!(world.subscriptions(), 2);
}

/// Such as one in an actix connection that first has to send something else.
#[tokio::test]
async fn a_watcher_that_does_not_run_keeps_no_event_from_another() {
    let world = World::new();
    let [mut stuck, mut other] = [(); 2].map(|()| world.watch(&running(), Some(2), FULL));
    let mut reading = Box::pin(stuck.next(&world.state));
    assert!((&mut reading).now_or_never().is_none());
    let subscription = world.subscription(0).await;
    for sequence in 3..6 {
        let sending = async { subscription.send(output(sequence, "x")) };
        let (received, ()) = tokio::join!(world.next_sequence(&mut other), sending);
        assert_eq!(received, sequence);
    }
    drop(reading);
    assert_eq!(world.next_sequence(&mut stuck).await, 3);
    assert_eq!(world.subscriptions(), 1);
}

#[tokio::test]
async fn a_panic_of_the_source_ends_all_watchers() {
    let world = World::new();
    let mut watchers = [CORE, FULL].map(|dialect| world.watch(&running(), Some(2), dialect));
    world.finds_nothing(&mut watchers[0]);
    let subscription = world.subscription(0).await;
    subscription.panic();
    for watcher in &mut watchers {
        let Err(error) = world.next(watcher).await else {
            panic!("the watcher is not told");
        };
        assert_eq!(error.kind(), FailureKind::Bug);
    }
}

#[tokio::test]
async fn a_late_watcher_of_a_final_execution_gets_its_state_without_a_subscription() {
    let world = World::new();
    let is_final = running().finish(finished(), support::later()).unwrap();
    let mut late = world.watch(&is_final, None, CORE);
    assert_eq!(world.next_sequence(&mut late).await, 3);
    assert!(matches!(world.next(&mut late).await, Ok(None)));
    let mut complete = world.watch(&is_final, Some(3), FULL);
    assert!(complete.is_complete());
    assert!(matches!(world.next(&mut complete).await, Ok(None)));
    assert_eq!(world.subscriptions(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_queue_position_is_read_once_for_all_watchers() {
    let world = World::new();
    let mut watchers = [CORE, FULL, FULL].map(|it| world.watch(&execution(), Some(1), it));
    for (position, reads) in [(1, 1), (2, 2)] {
        world.set_position(position);
        for watcher in &mut watchers[1..] {
            let notice = world.next_json(watcher).await;
            assert_eq!(notice["data"]["position"], position);
        }
        assert_eq!(world.position_reads(), reads);
    }
}
