//! Tests records of other versions of the service, and damaged ones.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{SequentialIds, user};
use coderun_domain::{InputError, QueueError, StoreError, Swept, TicketError};

use coderun_redis::RedisConfig;
use coderun_redis_fixture::RedisServer;

use crate::support::{Fixture, id, input, key, shared_key, try_take, typed};

/// The live value and the record, as a hash of both.
fn whole_record(fixture: &Fixture, number: u128) -> String {
    let both =
        "return redis.sha1hex(redis.call('HGET', KEYS[1], ARGV[1]) .. redis.call('GET', ARGV[2]))";
    let (live, record) = (shared_key("live"), key("e", number));
    let number = id(number).to_string();
    fixture.command(&["EVAL", both, "1", &live, &number, &record])
}

#[tokio::test]
async fn a_live_value_of_a_newer_version_is_unavailable_and_stays_unchanged() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    let newer = "redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack('4', 'whatever comes', 1))";
    fixture.script(newer, &shared_key("live"), 1);
    let before = whole_record(&fixture, 1);
    let redis = &fixture.redis;
    assert_matches!(
        redis.store.get(id(1)).await,
        Err(StoreError::Unavailable { .. })
    );
    let cancelled = redis.store.request_cancel(id(1)).await;
    assert_matches!(cancelled, Err(StoreError::Unavailable { .. }));
    let renewed = redis.queue.renew(&lease).await;
    assert_matches!(renewed, Err(QueueError::Unavailable { .. }));
    let sent = fixture.send(1, input(1, 1), typed("a")).await;
    assert_matches!(sent, Err(InputError::Unavailable { .. }));
    let received = fixture.receive(&lease, 0).await;
    assert_matches!(received, Err(InputError::Unavailable { .. }));
    let issued = fixture.issue(1, 1, Duration::from_secs(30)).await;
    assert_matches!(issued, Err(TicketError::Unavailable { .. }));
    let position = redis.store.queue_position(id(1)).await;
    assert_matches!(position, Err(StoreError::Unavailable { .. }));
    let listed = fixture.list().await;
    assert!(listed.len() <= 1, "{listed:?}");
    fixture.clock.advance(Duration::from_hours(2));
    assert_eq!(redis.queue.sweep().await.unwrap(), Swept::default());
    assert_eq!(whole_record(&fixture, 1), before);
}

#[tokio::test]
async fn a_damaged_record_is_an_error_and_delays_no_other() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.submit(2).await;
    fixture.damage_record(1, "{");
    let redis = &fixture.redis;
    assert_matches!(
        redis.store.get(id(1)).await,
        Err(StoreError::Corrupt { .. })
    );
    let taken = try_take(&fixture.redis).await;
    assert_matches!(taken, Err(QueueError::Corrupt { .. }));
    assert_eq!(fixture.take().await.id(), id(2));
}

/// A final record of a newer version is not deleted by the sweep: Redis deletes it when it expires.
#[tokio::test]
async fn a_final_record_of_a_newer_version_stays_unchanged() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    fixture.finish(&lease).await;
    let newer = "redis.call('SET', KEYS[1], cmsgpack.pack({'4', 'whatever comes'}), 'KEEPTTL')";
    fixture.script(newer, &key("e", 1), 1);
    let redis = &fixture.redis;
    assert_matches!(
        redis.store.get(id(1)).await,
        Err(StoreError::Unavailable { .. })
    );
    let cancelled = redis.store.request_cancel(id(1)).await;
    assert_matches!(cancelled, Err(StoreError::Unavailable { .. }));
    let deleted = redis.store.delete(id(1)).await;
    assert_matches!(deleted, Err(StoreError::Unavailable { .. }));
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(redis.queue.sweep().await.unwrap(), Swept::default());
    assert!(fixture.keys().contains(&key("e", 1)));
}

/// Damaged input is an error for the worker that reads it, and does not end the execution.
#[tokio::test]
async fn damaged_input_is_an_error() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    let damage = ["HSET", &key("i", 1), "1", "x"];
    assert_eq!(fixture.command(&damage), "0");
    let read = fixture.receive(&lease, 0).await;
    assert_matches!(read, Err(InputError::Unavailable { .. }));
    fixture.finish(&lease).await;
}

/// A damaged record is taken as often as any other, and then ended.
#[tokio::test]
async fn a_damaged_record_is_ended_after_its_last_attempt() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.damage_record(1, "{");
    for _ in 0..fixture.policy.attempts_max {
        let taken = try_take(&fixture.redis).await;
        assert_matches!(taken, Err(QueueError::Corrupt { .. }));
        fixture.clock.advance(fixture.policy.lease);
    }
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().ended, 1);
    let outcome = fixture.command(&["GET", &key("o", 1)]);
    assert!(outcome.contains("given_up"), "{outcome}");
}

/// An execution with a damaged live value counts as lost.
#[tokio::test]
async fn a_damaged_live_value_delays_no_other() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.submit(2).await;
    fixture.damage_live(1, "{");
    assert_eq!(fixture.take().await.id(), id(2));
    fixture.clock.advance(Duration::from_hours(2));
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().ended, 1);
}

/// A damaged record is no reason to skip its partition.
#[tokio::test]
async fn a_damaged_record_delays_no_other_in_its_partition() {
    let server = RedisServer::start();
    let config = RedisConfig {
        partitions: Some(2),
        ..RedisConfig::new(server.url().parse().unwrap())
    };
    let fixture = Fixture::on(server, config, |_| {}).await;
    let ids = fixture.redis.ids(Arc::new(SequentialIds::default()));
    let mut submitted = Vec::new();
    for _ in 0..2 {
        let id = ids.execution_id(&user("alice"));
        let execution = fixture.execution(id.as_uuid().as_u128());
        fixture.redis.store.submit(&execution, None).await.unwrap();
        submitted.push(id);
    }
    let first = submitted[0].to_string();
    let keys = fixture.keys();
    let record = keys
        .iter()
        .find(|key| key.ends_with(&format!(":e:{first}")));
    let damage = ["SET", record.unwrap(), "{", "KEEPTTL"];
    assert_eq!(fixture.command(&damage), "OK");
    let taken = try_take(&fixture.redis).await;
    assert_matches!(taken, Err(QueueError::Corrupt { .. }));
    assert_eq!(fixture.take().await.id(), submitted[1]);
}
