//! A server that has forgotten something, or everything.

use std::time::Duration;

use coderun_domain::testing::{finished, user};
use coderun_domain::{
    ExecutionQueue as _, ExecutionStore as _, InputError, InputPosition, InputRelay as _,
    Notifier as _, Page, QueueError, Sequence, Swept, WatchError,
};
use futures_util::StreamExt as _;

use crate::support::{Fixture, id, key};

const ALL: Page = Page {
    before: None,
    limit: 100,
};

/// After a flush ids are unknown, nothing hangs, and new work is done: scripts are sent again, counts begin anew.
#[tokio::test]
async fn after_a_flush_the_service_begins_anew() {
    let fixture = Fixture::with(|policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(1).await;
    fixture.submit(2).await;
    let redis = &fixture.redis;
    let mut watched = redis
        .subscribe(id(1), lease.execution().sequence())
        .await
        .unwrap();
    assert_eq!(fixture.server.command(&["FLUSHALL"]).text(), "OK");
    assert_eq!(fixture.server.command(&["SCRIPT", "FLUSH"]).text(), "OK");
    assert_eq!(fixture.get(1).await, None);
    assert_eq!(redis.list(&user("alice"), ALL).await.unwrap(), []);
    let finished = redis.finish(&lease, &finished()).await;
    assert!(
        matches!(finished, Err(QueueError::LeaseLost)),
        "{finished:?}"
    );
    assert!(fixture.try_take().await.is_none());
    let unknown = redis.subscribe(id(2), Sequence::START).await.err();
    assert!(matches!(unknown, Some(WatchError::Gone)), "{unknown:?}");
    let told = tokio::time::timeout(Duration::from_secs(20), watched.next()).await;
    assert!(matches!(told, Ok(Some(Err(WatchError::Gone)))), "{told:?}");
    let lease = fixture.begin(3).await;
    fixture.finish(&lease).await;
    assert!(fixture.get(3).await.unwrap().status().is_final());
}

/// One record is lost, of an execution that waited, ran or had ended: nothing else is.
#[tokio::test]
async fn what_points_to_a_lost_record_goes_with_it() {
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
        let key = format!("coderun:{{0}}:execution:{}", id(number));
        assert_eq!(fixture.server.command(&["DEL", &key]).text(), "1");
    }
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.redis.list(&user("alice"), ALL).await.unwrap(), []);
    fixture.clock.advance(Duration::from_hours(3));
    assert_eq!(fixture.redis.sweep().await.unwrap(), Swept::default());
    // The places of the one that waited and of the one that ran are free again.
    let lease = fixture.begin(4).await;
    fixture.submit(5).await;
    fixture.finish(&lease).await;
    assert_eq!(fixture.take().await.id(), id(5));
}

/// What a lost record occupied is free again, whoever meets the loss.
#[tokio::test]
async fn a_lost_record_occupies_nothing() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        fixture.submit(number).await;
        let lost = fixture.server.command(&["DEL", &key("execution", number)]);
        assert_eq!(lost.text(), "1");
    }
    assert!(fixture.try_take().await.is_none());
    fixture.clock.advance(Duration::from_hours(3));
    fixture.redis.sweep().await.unwrap();
    let totals = fixture
        .server
        .command(&["GET", "coderun:{0}:totals"])
        .text();
    assert!(totals.starts_with("0 0 "), "{totals}");
    let left: Vec<_> = fixture
        .keys()
        .into_iter()
        .filter(|key| key.contains("events"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// What was typed and the tickets of a lost record go with it.
#[tokio::test]
async fn input_and_tickets_of_a_lost_record_go_with_it() {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    fixture.issue(1, 1, Duration::from_hours(1)).await.unwrap();
    let lost = fixture.server.command(&["DEL", &key("execution", 1)]);
    assert_eq!(lost.text(), "1");
    assert_eq!(fixture.redeem(1, 1).await, None);
    fixture.clock.advance(Duration::from_hours(3));
    fixture.redis.sweep().await.unwrap();
    assert_eq!(fixture.keys(), ["coderun:partitions", "coderun:{0}:totals"]);
}

/// A worker whose program has read more than the server knows of has lost its lease: the next one gives the program what
/// there is, from the beginning.
#[tokio::test]
async fn who_has_read_what_was_forgotten_begins_anew() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    let first = InputPosition::from_number(1);
    assert_eq!(fixture.redis.receive(&lease, first).await.unwrap(), []);
    let lost = fixture.server.command(&["DEL", &key("input", 1)]);
    assert_eq!(lost.text(), "1");
    let read = fixture.redis.receive(&lease, first).await;
    assert!(matches!(read, Err(InputError::LeaseLost)), "{read:?}");
}

/// A server that took over from another one knows less than it had said: the run cannot be recorded over the gap, and
/// watchers begin anew instead of missing something.
#[tokio::test]
async fn a_story_with_a_gap_is_not_told_as_if_it_were_whole() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    let redis = &fixture.redis;
    let mut watched = redis.subscribe(id(1), Sequence::START).await.unwrap();
    let before = fixture
        .server
        .command(&["HGET", &key("execution", 1), "state"])
        .text();
    fixture.print(&lease, "lost").await;
    let told = lease.execution().sequence().next();
    for _ in 1..=told.number() {
        watched.next().await.unwrap().unwrap();
    }
    let put_back = [
        fixture
            .server
            .command(&["HSET", &key("execution", 1), "state", &before]),
        fixture
            .server
            .command(&["LTRIM", &key("events", 1), "0", "1"]),
    ];
    assert_eq!(put_back.map(|answer| answer.text()), ["0", "OK"]);
    let confirmed = redis.append(&lease, told, &[]).await;
    assert!(
        matches!(confirmed, Err(QueueError::LeaseLost)),
        "{confirmed:?}"
    );
    let next = tokio::time::timeout(Duration::from_secs(20), watched.next()).await;
    assert!(
        matches!(next, Ok(Some(Err(WatchError::Unavailable { .. })))),
        "{next:?}"
    );
}

/// Events that are gone though their record is not are an error for who asks for them, at once and once.
#[tokio::test]
async fn a_lost_list_of_events_is_an_error() {
    let fixture = Fixture::start().await;
    fixture.begin(1).await;
    assert_eq!(
        fixture.server.command(&["DEL", &key("events", 1)]).text(),
        "1"
    );
    let mut watched = fixture
        .redis
        .subscribe(id(1), Sequence::START)
        .await
        .unwrap();
    let told = watched.next().await;
    assert!(
        matches!(told, Some(Err(WatchError::Unavailable { .. }))),
        "{told:?}"
    );
    assert!(watched.next().await.is_none());
}

/// Who stays in a lane for days without doing anything is still found there.
#[tokio::test]
async fn a_sweep_gives_lanes_their_time_anew() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    let lane = "coderun:{0}:lane:2:python";
    assert_eq!(
        fixture.server.command(&["PEXPIRE", lane, "60000"]).text(),
        "1"
    );
    fixture.redis.sweep().await.unwrap();
    let ttl: i64 = fixture
        .server
        .command(&["TTL", lane])
        .text()
        .parse()
        .unwrap();
    assert!(ttl > 24 * 3600, "{ttl} s");
}
