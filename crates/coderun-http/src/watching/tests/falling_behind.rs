//! Tests watchers that are slow, or begin before the log of the feed.

use coderun_domain::testing::finished;

use super::support::{World, later, output, running, updated};
use super::{CORE, FULL};
use crate::watching::feed_log::LOG_MAX_BYTES;

/// A piece of output of which the log holds a few.
fn piece(sequence: u64) -> coderun_domain::StoredEvent {
    output(sequence, vec![b'x'; LOG_MAX_BYTES / 4])
}

#[tokio::test]
async fn a_slow_watcher_delays_no_other_and_holds_nothing() {
    let world = World::new();
    let mut quick = world.watch(&running(), Some(2), FULL);
    let _slow = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut quick);
    let subscription = world.subscription(0).await;
    let mut received = Vec::new();
    for sequence in 3..20 {
        subscription.send(piece(sequence));
        let message = world.next_message(&mut quick).await;
        received.push(message.frame);
    }
    let held = received.iter().filter(|frame| !frame.is_unique());
    assert_eq!(held.count(), 3, "the log has room for three");
    assert_eq!(world.subscriptions(), 1);
}

#[tokio::test]
async fn an_event_larger_than_the_log_is_told_as_well() {
    let world = World::new();
    let mut watcher = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut watcher);
    let subscription = world.subscription(0).await;
    subscription.send(output(3, vec![b'x'; 2 * LOG_MAX_BYTES]));
    assert_eq!(world.next_sequence(&mut watcher).await, 3);
    assert_eq!(world.subscriptions(), 1);
}

#[tokio::test]
async fn a_watcher_that_fell_behind_reads_the_store_by_itself_and_joins_again() {
    let world = World::new();
    let mut quick = world.watch(&running(), Some(2), FULL);
    let mut slow = world.watch(&running(), Some(2), FULL);
    world.finds_nothing(&mut quick);
    let feed = world.subscription(0).await;
    for sequence in 3..=12 {
        feed.send(piece(sequence));
        assert_eq!(world.next_sequence(&mut quick).await, sequence);
    }
    let reading = async {
        let mut sequences = Vec::new();
        for _ in 3..=13 {
            sequences.push(world.next_sequence(&mut slow).await);
        }
        sequences
    };
    let storing = async {
        let own = world.subscription(1).await;
        assert_eq!(own.since.number(), 2);
        for sequence in 3..=12 {
            own.send(piece(sequence));
        }
        assert!(own.is_closed().await, "it has joined the feed again");
        feed.send(piece(13));
    };
    let (sequences, ()) = tokio::join!(reading, storing);
    assert_eq!(sequences, (3..=13).collect::<Vec<_>>());
    assert_eq!(world.subscriptions(), 2);
}

#[tokio::test]
async fn a_watcher_that_begins_before_the_log_misses_and_repeats_nothing() {
    let world = World::new();
    let execution = running().count_events(98, later()).unwrap();
    let mut live = world.watch(&execution, None, FULL);
    assert_eq!(world.next_sequence(&mut live).await, 100);
    world.finds_nothing(&mut live);
    let feed = world.subscription(0).await;
    let mut early = world.watch(&execution, Some(97), FULL);
    let reading = async {
        let mut sequences = Vec::new();
        for _ in 98..=102 {
            sequences.push(world.next_sequence(&mut early).await);
        }
        sequences
    };
    let storing = async {
        let own = world.subscription(1).await;
        own.send(output(98, "before"));
        // An event arrives while the watcher is still reading what was before it.
        feed.send(output(101, "meanwhile"));
        assert_eq!(world.next_sequence(&mut live).await, 101);
        for sequence in 99..=101 {
            own.send(output(sequence, "stored"));
        }
        assert!(own.is_closed().await);
        feed.send(output(102, "after"));
    };
    let (sequences, ()) = tokio::join!(reading, storing);
    assert_eq!(sequences, [98, 99, 100, 101, 102]);
}

#[tokio::test]
async fn a_first_watcher_that_lacks_a_few_events_needs_no_subscription_of_its_own() {
    let world = World::new();
    let mut watcher = world.watch(&running(), Some(0), FULL);
    world.finds_nothing(&mut watcher);
    let subscription = world.subscription(0).await;
    assert_eq!(subscription.since.number(), 0);
    subscription.send(updated(&coderun_domain::testing::execution()));
    subscription.send(updated(&running()));
    subscription.send(output(3, "x"));
    for sequence in 1..=3 {
        assert_eq!(world.next_sequence(&mut watcher).await, sequence);
    }
    assert_eq!(world.subscriptions(), 1);
}

#[tokio::test]
async fn a_watcher_of_a_final_execution_reads_what_it_lacks() {
    let world = World::new();
    let is_final = running().finish(finished(), later()).unwrap();
    let mut watcher = world.watch(&is_final, Some(1), CORE);
    let reading = async {
        let first = world.next_sequence(&mut watcher).await;
        let last = world.next_sequence(&mut watcher).await;
        (first, last, world.next(&mut watcher).await)
    };
    let storing = async {
        let own = world.subscription(0).await;
        assert_eq!(own.since.number(), 1);
        own.send(updated(&running()));
        own.send(updated(&is_final));
    };
    let (read, ()) = tokio::join!(reading, storing);
    assert!(matches!(read, (2, 3, Ok(None))), "{read:?}");
}
