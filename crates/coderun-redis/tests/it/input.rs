//! What is sent to a running program: what it costs, when it goes, and whom it wakes.

use std::pin::pin;
use std::time::Duration;

use coderun_domain::{
    ByteSize, ExecutionQueue as _, ExecutionStore as _, InputPiece, InputPosition, InputRelay as _,
    InputReply, StoreError,
};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::RedisServer;
use tokio::time::timeout;

use crate::support::{Fixture, id, input, key, typed};

/// Enough for whatever must come, on a machine that is busy with other things.
const LONG: Duration = Duration::from_secs(20);
/// How long to wait for what must not come.
const SHORT: Duration = Duration::from_millis(100);
const START: InputPosition = InputPosition::START;

fn ttl(fixture: &Fixture, kind: &str) -> i64 {
    let answer = fixture.server.command(&["PTTL", &key(kind, 1)]);
    answer.text().parse().unwrap()
}

fn is_there(fixture: &Fixture, kind: &str) -> bool {
    fixture.keys().contains(&key(kind, 1))
}

/// The record of an execution that is taken over lives longer, and so does its input.
#[tokio::test]
async fn input_lives_as_long_as_its_record() {
    let fixture = Fixture::start().await;
    fixture.submit_interactive(1).await;
    fixture.type_in(1, 1, "early").await;
    let assert_alike = |after: &str| {
        let (record, input) = (ttl(&fixture, "execution"), ttl(&fixture, "input"));
        assert!(input <= record, "{input} ms, {record} ms after {after}");
        assert!(record - input < 60_000, "{input} ms after {after}");
    };
    assert_alike("the first piece");
    // The latest moment at which it can be taken: from now on the record has to live longer than was thought.
    let latest = fixture
        .policy
        .queue_deadline
        .saturating_sub(Duration::from_secs(1));
    fixture.clock.advance(latest);
    for attempt in ["the first", "the second", "the third"] {
        fixture.take().await;
        assert_alike(attempt);
        fixture.clock.advance(fixture.policy.lease * 2);
    }
}

/// What may be typed counts among what a user occupies from the first moment on, until the execution has ended.
#[tokio::test]
async fn room_is_kept_for_what_may_be_typed() {
    let fixture = Fixture::with(|policy| policy.live_bytes_max = ByteSize::from_mib(4)).await;
    let lease = fixture.begin_interactive(1).await;
    let refused = fixture.redis.submit(&fixture.execution(2)).await;
    assert!(
        matches!(refused, Err(StoreError::QuotaExceeded { .. })),
        "{refused:?}"
    );
    fixture.finish(&lease).await;
    fixture.submit(2).await;
    fixture.submit(3).await;
}

/// Nobody can read the input of what has ended, however it ended.
#[tokio::test]
async fn input_goes_when_its_execution_ends() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    assert!(is_there(&fixture, "input"));
    fixture.finish(&lease).await;
    assert!(!is_there(&fixture, "input"));
    assert!(fixture.redis.delete(id(1)).await.unwrap());
    fixture.submit_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    fixture.redis.request_cancel(id(1)).await.unwrap();
    assert!(!is_there(&fixture, "input"));
}

/// What comes too late leaves no key behind.
#[tokio::test]
async fn input_that_comes_too_late_is_kept_nowhere() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.finish(&lease).await;
    let sent = fixture.redis.send(id(1), input(1, 1), typed("late"));
    assert_eq!(sent.await.unwrap(), InputReply::Final);
    assert!(!is_there(&fixture, "input"));
    fixture.redis.delete(id(1)).await.unwrap();
    let sent = fixture.redis.send(id(1), input(1, 1), typed("late"));
    assert_eq!(sent.await.unwrap(), InputReply::Absent);
    assert!(!is_there(&fixture, "input"));
}

/// However many connections somebody opens, what is remembered of senders is bounded; those that sent last are known.
#[tokio::test]
async fn only_so_many_senders_are_remembered() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    for sender in 0..200 {
        let sent = fixture.redis.send(id(1), input(sender, 1), typed("x"));
        assert_eq!(sent.await.unwrap(), InputReply::Kept);
    }
    let senders = ["HSTRLEN", &key("input", 1), "senders"];
    let length: usize = fixture.server.command(&senders).text().parse().unwrap();
    assert!(length < 64 * 64, "{length} bytes");
    for sender in 137..200 {
        fixture
            .redis
            .send(id(1), input(sender, 1), typed("x"))
            .await
            .unwrap();
    }
    let read = fixture.redis.receive(&lease, START).await.unwrap();
    assert_eq!(read.len(), 200, "a piece was kept twice");
}

/// Much is read a bounded amount at a time, and nothing twice.
#[tokio::test]
async fn much_input_is_read_in_parts() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    for number in 1..=300 {
        fixture.type_in(1, number, "x").await;
    }
    let first = fixture.redis.receive(&lease, START).await.unwrap();
    let after = InputPosition::from_number(first.len() as u64);
    let rest = fixture.redis.receive(&lease, after).await.unwrap();
    assert_eq!((first.len(), rest.len()), (256, 44));
}

/// A worker that nobody tells looks for input now and then; one that is told, or comes late, need not wait for that.
#[tokio::test]
async fn who_waits_for_input_is_told() {
    let server = RedisServer::start();
    let config = RedisConfig {
        watch_interval: Duration::from_hours(1),
        ..RedisConfig::new(server.url().parse().unwrap())
    };
    let fixture = Fixture::on(server, config, |_| {}).await;
    let lease = fixture.begin_interactive(1).await;
    let mut available = pin!(fixture.redis.input_available(&lease, START));
    assert!(timeout(SHORT, &mut available).await.is_err());
    fixture.type_in(1, 1, "a").await;
    timeout(LONG, available).await.unwrap();
    let late = fixture.redis.input_available(&lease, START);
    timeout(LONG, late).await.unwrap();
    let beyond = InputPosition::from_number(1);
    let waiting = fixture.redis.input_available(&lease, beyond);
    assert!(timeout(SHORT, waiting).await.is_err());
}

/// Who has a lease on something that takes no input waits without asking anybody.
#[tokio::test]
async fn waiting_for_input_that_cannot_come_costs_nothing() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    let subscribed = || {
        fixture
            .server
            .command(&["PUBSUB", "CHANNELS", "*:events:*"])
    };
    let waiting = fixture.redis.input_available(&lease, START);
    assert!(timeout(SHORT, waiting).await.is_err());
    assert_eq!(subscribed().parts(), []);
}

/// The end is not counted away with what was read before it: a later attempt reads it, too.
#[tokio::test]
async fn the_end_is_read_by_every_attempt() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    let end = fixture.redis.send(id(1), input(1, 2), InputPiece::End);
    assert_eq!(end.await.unwrap(), InputReply::Kept);
    let behind = InputPosition::from_number(2);
    assert_eq!(fixture.redis.receive(&lease, behind).await.unwrap(), []);
    fixture.redis.release(&lease).await.unwrap();
    let lease = fixture.take().await;
    let read = fixture.redis.receive(&lease, START).await;
    assert_eq!(read.unwrap(), [typed("a"), InputPiece::End]);
}
