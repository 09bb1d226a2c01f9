//! Tests a server that has lost a part of its data, or all of it.

use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_domain::{InputError, QueueError, Sequence, Swept, WatchError};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::support::{Fixture, id, key, keys_of_nothing, piece, shared_key};

/// Enough for an event that must come, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// After a flush ids are unknown, nothing hangs, and new executions run: scripts are sent again and counts restart.
#[tokio::test]
async fn the_service_works_after_a_flush() {
    let fixture = Fixture::with(|policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(1).await;
    fixture.submit(2).await;
    let redis = &fixture.redis;
    let last = lease.execution().sequence();
    let mut events = redis.notifier.subscribe(id(1), last).await.unwrap();
    assert_eq!(fixture.command(&["FLUSHALL"]), "OK");
    assert_eq!(fixture.command(&["SCRIPT", "FLUSH"]), "OK");
    assert_eq!(fixture.get(1).await, None);
    assert_eq!(fixture.list().await, []);
    let finished = redis.queue.finish(&lease, last, &[], &finished()).await;
    assert_matches!(finished, Err(QueueError::LeaseLost));
    assert!(fixture.try_take().await.is_none());
    let unknown = redis.notifier.subscribe(id(2), Sequence::START).await.err();
    assert_matches!(unknown, Some(WatchError::Gone));
    let next = timeout(LONG, events.next()).await;
    assert_matches!(next, Ok(Some(Err(WatchError::Gone))));
    let lease = fixture.begin(3).await;
    fixture.finish(&lease).await;
    assert!(fixture.get(3).await.unwrap().status().is_final());
}

/// The records of a waiting, a running and a final execution are lost, and nothing else.
#[tokio::test]
async fn references_to_a_lost_record_are_deleted() {
    let fixture = Fixture::with(|policy| {
        policy.user_pending_max = 1;
        policy.user_running_max = 1;
    })
    .await;
    let lease = fixture.begin(1).await;
    fixture.finish(&lease).await;
    fixture.begin(2).await;
    fixture.submit(3).await;
    for number in 1..=3 {
        fixture.lose(&key("e", number));
    }
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.list().await, []);
    fixture.clock.advance(Duration::from_hours(3));
    assert_eq!(fixture.redis.queue.sweep().await.unwrap(), Swept::default());
    // The lost executions no longer count against the quotas.
    let lease = fixture.begin(4).await;
    fixture.submit(5).await;
    fixture.finish(&lease).await;
    assert_eq!(fixture.take().await.id(), id(5));
}

/// Nothing is left of a lost record after the sweep, whether it waited, ran or was released.
#[tokio::test]
async fn a_lost_record_occupies_nothing() {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    let released = fixture.begin(1).await;
    fixture.redis.queue.release(&released).await.unwrap();
    fixture.take().await;
    fixture.submit(2).await;
    for number in 1..=2 {
        fixture.lose(&key("e", number));
    }
    fixture.clock.advance(Duration::from_hours(3));
    fixture.redis.queue.sweep().await.unwrap();
    assert_eq!(fixture.keys(), keys_of_nothing());
    assert_eq!(fixture.depth().await, (0, 0));
}

#[tokio::test]
async fn input_and_tickets_of_a_lost_record_are_deleted() {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    fixture.issue(1, 1, Duration::from_hours(1)).await.unwrap();
    fixture.lose(&key("e", 1));
    fixture.clock.advance(Duration::from_hours(3));
    assert_eq!(fixture.redeem(1, 1).await, None);
    fixture.redis.queue.sweep().await.unwrap();
    assert_eq!(fixture.keys(), keys_of_nothing());
}

/// All live values are lost, and nothing else: the sweep deletes what refers to them and their records.
#[tokio::test]
async fn references_to_lost_live_values_are_deleted() {
    let fixture = Fixture::with(|policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(1).await;
    fixture.submit(2).await;
    fixture.lose(&shared_key("live"));
    let renewed = fixture.redis.queue.renew(&lease).await;
    assert_matches!(renewed, Err(QueueError::LeaseLost));
    for number in 1..=2 {
        assert_eq!(fixture.get(number).await, None);
    }
    fixture.clock.advance(Duration::from_hours(3));
    assert_eq!(fixture.redis.queue.sweep().await.unwrap(), Swept::default());
    assert_eq!(fixture.depth().await, (0, 0));
    for number in 1..=2 {
        assert!(!fixture.keys().contains(&key("e", number)));
    }
    fixture.submit(3).await;
    assert_eq!(fixture.take().await.id(), id(3));
}

/// A worker that has read more input than the server has loses its lease. The next one reads all input from the start.
#[tokio::test]
async fn a_worker_that_has_read_lost_input_loses_its_lease() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    assert_eq!(fixture.receive(&lease, 1).await.unwrap(), []);
    fixture.lose(&key("i", 1));
    assert_matches!(fixture.receive(&lease, 1).await, Err(InputError::LeaseLost));
}

/// A server that took over lacks the last events: the worker cannot append after the gap, and watchers get an error instead
/// of a gap.
#[tokio::test]
async fn lost_events_stop_the_worker_and_its_watchers() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    let redis = &fixture.redis;
    let mut events = redis
        .notifier
        .subscribe(id(1), Sequence::START)
        .await
        .unwrap();
    let copy = "redis.call('SET', 'copy', redis.call('HGET', KEYS[1], ARGV[1]))";
    fixture.script(copy, &shared_key("live"), 1);
    fixture.print(&lease, "lost").await;
    let last = lease.execution().sequence().next();
    for _ in 1..=last.number() {
        events.next().await.unwrap().unwrap();
    }
    let restore = "redis.call('HSET', KEYS[1], ARGV[1], redis.call('GET', 'copy'))";
    fixture.script(restore, &shared_key("live"), 1);
    let cut = ["LTRIM", &key("v", 1), "0", "1"];
    assert_eq!(fixture.command(&cut), "OK");
    let appended = redis.queue.append(&lease, last, &[]).await;
    assert_matches!(appended, Err(QueueError::LeaseLost));
    let next = timeout(LONG, events.next()).await;
    assert_matches!(next, Ok(Some(Err(WatchError::Unavailable { .. }))));
}

#[tokio::test]
async fn a_lost_list_of_events_is_an_error() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    fixture.print(&lease, "lost").await;
    fixture.lose(&key("v", 1));
    let watching = fixture.redis.notifier.subscribe(id(1), Sequence::START);
    assert_matches!(watching.await.err(), Some(WatchError::Unavailable { .. }));
}

/// A user who stays in a lane for days without any change is still found there.
#[tokio::test]
async fn a_sweep_extends_the_lifetime_of_lanes() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    let lane = shared_key("lane:3:python");
    assert_eq!(fixture.command(&["PEXPIRE", &lane, "60000"]), "1");
    fixture.clock.advance(Duration::from_mins(1));
    fixture.redis.queue.sweep().await.unwrap();
    let ttl = fixture.ttl_ms(&lane);
    assert!(ttl > 24 * 3_600_000, "{ttl} ms");
}

/// What is left of a lost list of events does not stay for ever.
#[tokio::test]
async fn a_list_of_events_that_was_lost_expires() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        let lease = fixture.begin(number).await;
        fixture.print(&lease, "lost").await;
        fixture.lose(&key("v", number));
        let (last, told) = (lease.execution().sequence().next(), [piece(&lease, "new")]);
        if number == 1 {
            fixture.append(&lease, last, &told).await;
        } else {
            fixture.finish_with(&lease, last, &told).await;
        }
        assert!(fixture.ttl_ms(&key("v", number)) > 0, "{number}");
    }
}

/// The clock of a process that is behind does not shorten a lease.
#[tokio::test]
async fn a_renewal_by_a_late_clock_shortens_no_lease() {
    let fixture = Fixture::start().await;
    let late = fixture.other_process().await;
    fixture.clock.advance(fixture.policy.lease);
    let lease = fixture.begin(1).await;
    late.queue.renew(&lease).await.unwrap();
    fixture.clock.advance(fixture.policy.lease / 2);
    assert!(fixture.try_take().await.is_none());
}
