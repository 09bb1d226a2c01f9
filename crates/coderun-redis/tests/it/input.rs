//! Tests input: what it counts, when it is deleted, and which tasks it wakes.

use std::pin::pin;
use std::time::Duration;

use coderun_domain::{ByteSize, InputPiece, InputPosition, InputReply, StoreError};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::RedisServer;
use tokio::time::timeout;

use crate::support::{Fixture, id, input, key, typed};

/// Enough for input that must come, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// The wait for input that must not come.
const SHORT: Duration = Duration::from_millis(100);
const START: InputPosition = InputPosition::START;

fn has_input(fixture: &Fixture) -> bool {
    fixture.keys().contains(&key("i", 1))
}

/// A takeover extends the lifetime of the record, and that of the input with it.
#[tokio::test]
async fn input_lives_as_long_as_its_record() {
    let fixture = Fixture::start().await;
    fixture.submit_interactive(1).await;
    fixture.type_in(1, 1, "early").await;
    let assert_alike = |after: &str| {
        let [record, input] = ["e", "i"].map(|kind| fixture.ttl_ms(&key(kind, 1)));
        assert!(input <= record, "{input} ms, {record} ms after {after}");
        assert!(record - input < 60_000, "{input} ms after {after}");
    };
    assert_alike("the first piece");
    // Taken so late, the record must live longer than the submission provided for.
    let deadline = fixture.policy.queue_deadline;
    let late = deadline.saturating_sub(Duration::from_secs(1));
    fixture.clock.advance(late);
    for attempt in ["the first", "the second", "the third"] {
        fixture.take().await;
        assert_alike(attempt);
        fixture.clock.advance(fixture.policy.lease * 2);
    }
}

/// An interactive execution counts the most input that it may store, from the submission to its end.
#[tokio::test]
async fn the_room_for_input_is_reserved() {
    let fixture = Fixture::with(|policy| policy.live_bytes_max = ByteSize::from_mib(4)).await;
    let lease = fixture.begin_interactive(1).await;
    let refused = fixture.try_submit(2).await;
    assert_matches!(refused, Err(StoreError::QuotaExceeded { .. }));
    fixture.finish(&lease).await;
    fixture.submit(2).await;
    fixture.submit(3).await;
}

#[tokio::test]
async fn input_is_deleted_when_its_execution_ends() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    assert!(has_input(&fixture));
    fixture.finish(&lease).await;
    assert!(!has_input(&fixture));
    assert!(fixture.redis.store.delete(id(1)).await.unwrap());
    fixture.submit_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    fixture.redis.store.request_cancel(id(1)).await.unwrap();
    assert!(!has_input(&fixture));
}

#[tokio::test]
async fn input_that_comes_too_late_is_not_stored() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.finish(&lease).await;
    let sent = fixture.send(1, input(1, 1), typed("late"));
    assert_eq!(sent.await.unwrap(), InputReply::Final);
    assert!(!has_input(&fixture));
    fixture.redis.store.delete(id(1)).await.unwrap();
    let sent = fixture.send(1, input(1, 1), typed("late"));
    assert_eq!(sent.await.unwrap(), InputReply::Absent);
    assert!(!has_input(&fixture));
}

/// A client may open any number of connections; the last 64 senders are remembered.
#[tokio::test]
async fn the_number_of_remembered_senders_is_bounded() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    for sender in 0..200 {
        let sent = fixture.send(1, input(sender, 1), typed("x"));
        assert_eq!(sent.await.unwrap(), InputReply::Kept);
    }
    let senders = ["HSTRLEN", &key("i", 1), "senders"];
    let length: usize = fixture.command(&senders).parse().unwrap();
    assert!(length < 64 * 64, "{length} bytes");
    for sender in 137..200 {
        let sent = fixture.send(1, input(sender, 1), typed("x"));
        sent.await.unwrap();
    }
    let read = fixture.receive(&lease, 0).await.unwrap();
    assert_eq!(read.len(), 200, "a piece was kept twice");
}

#[tokio::test]
async fn much_input_is_read_in_pages() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    for number in 1..=300 {
        fixture.type_in(1, number, "x").await;
    }
    let first = fixture.receive(&lease, 0).await.unwrap();
    let rest = fixture.receive(&lease, 256).await.unwrap();
    assert_eq!((first.len(), rest.len()), (256, 44));
}

/// The interval of polling is an hour, so only a hint or input that is already there can end the wait in time.
#[tokio::test]
async fn a_worker_that_waits_for_input_is_woken() {
    let server = RedisServer::start();
    let config = RedisConfig {
        watch_interval: Duration::from_hours(1),
        ..RedisConfig::new(server.url().parse().unwrap())
    };
    let fixture = Fixture::on(server, config, |_| {}).await;
    let lease = fixture.begin_interactive(1).await;
    let mut available = pin!(fixture.redis.inputs.input_available(&lease, START));
    assert!(timeout(SHORT, &mut available).await.is_err());
    fixture.type_in(1, 1, "a").await;
    timeout(LONG, available).await.unwrap();
    let late = fixture.redis.inputs.input_available(&lease, START);
    timeout(LONG, late).await.unwrap();
    let beyond = InputPosition::from_number(1);
    let waiting = fixture.redis.inputs.input_available(&lease, beyond);
    assert!(timeout(SHORT, waiting).await.is_err());
}

#[tokio::test]
async fn waiting_for_input_of_a_program_that_takes_none_asks_nothing() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    let waiting = fixture.redis.inputs.input_available(&lease, START);
    assert!(timeout(SHORT, waiting).await.is_err());
    let channels = ["PUBSUB", "CHANNELS", "*:events:*"];
    assert_eq!(fixture.server.command(&channels).parts(), []);
}

/// Reading the end in one attempt does not delete it for the next.
#[tokio::test]
async fn the_end_is_read_by_every_attempt() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    let end = fixture.send(1, input(1, 2), InputPiece::End);
    assert_eq!(end.await.unwrap(), InputReply::Kept);
    assert_eq!(fixture.receive(&lease, 2).await.unwrap(), []);
    fixture.redis.queue.release(&lease).await.unwrap();
    let lease = fixture.take().await;
    let read = fixture.receive(&lease, 0).await;
    assert_eq!(read.unwrap(), [typed("a"), InputPiece::End]);
}
