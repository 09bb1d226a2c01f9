//! Tests records of other versions of the service, and damaged ones.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{SequentialIds, user};
use coderun_domain::{
    ExecutionQueue as _, ExecutionStore as _, InputError, InputReply, Page, QueueError, StoreError,
    Swept, TicketError,
};

use coderun_redis::RedisConfig;
use coderun_redis_fixture::{RedisServer, Reply};

use crate::support::{Fixture, id, input, key, try_take, typed};

fn record_key(number: u128) -> String {
    key("execution", number)
}

fn set_field(fixture: &Fixture, number: u128, field: &str, value: &str) {
    let set = ["HSET", &record_key(number), field, value];
    assert_eq!(fixture.command(&set), "0", "the field did not exist");
}

fn whole_record(fixture: &Fixture, number: u128) -> Vec<String> {
    let answer = fixture.server.command(&["HGETALL", &record_key(number)]);
    answer.parts().iter().map(Reply::text).collect()
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_unavailable_and_stays_unchanged() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    set_field(&fixture, 1, "fixed", "3 whatever comes");
    set_field(&fixture, 1, "state", "{}");
    let before = whole_record(&fixture, 1);
    let redis = &fixture.redis;
    assert_matches!(redis.get(id(1)).await, Err(StoreError::Unavailable { .. }));
    let cancelled = redis.request_cancel(id(1)).await;
    assert_matches!(cancelled, Err(StoreError::Unavailable { .. }));
    let renewed = redis.renew(&lease).await;
    assert_matches!(renewed, Err(QueueError::Unavailable { .. }));
    let sent = fixture.send(1, input(1, 1), typed("a")).await;
    assert_matches!(sent, Err(InputError::Unavailable { .. }));
    let received = fixture.receive(&lease, 0).await;
    assert_matches!(received, Err(InputError::Unavailable { .. }));
    let issued = fixture.issue(1, 1, Duration::from_secs(30)).await;
    assert_matches!(issued, Err(TicketError::Unavailable { .. }));
    let position = redis.queue_position(id(1)).await;
    assert_matches!(position, Err(StoreError::Unavailable { .. }));
    let page = Page {
        before: None,
        limit: 10,
    };
    let listed = redis.list(&user("alice"), page).await.unwrap();
    assert!(listed.len() <= 1, "{listed:?}");
    fixture.clock.advance(Duration::from_hours(2));
    assert_eq!(redis.sweep().await.unwrap(), Swept::default());
    assert_eq!(whole_record(&fixture, 1), before);
}

#[tokio::test]
async fn a_damaged_record_is_an_error_and_delays_no_other() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.submit(2).await;
    set_field(&fixture, 1, "submission", "{");
    let redis = &fixture.redis;
    assert_matches!(redis.get(id(1)).await, Err(StoreError::Corrupt { .. }));
    let taken = try_take(&fixture.redis).await;
    assert_matches!(taken, Err(QueueError::Corrupt { .. }));
    assert_eq!(fixture.take().await.id(), id(2));
}

/// Records of versions before interactive programs lack the field.
#[tokio::test]
async fn an_older_record_takes_no_input() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    assert_eq!(
        fixture.command(&["HDEL", &record_key(1), "interactive"]),
        "1"
    );
    let sent = fixture.send(1, input(1, 1), typed("a")).await;
    assert_eq!(sent.unwrap(), InputReply::NotInteractive);
    let read = fixture.get(1).await.unwrap();
    assert!(!read.submission().is_interactive());
    fixture.finish(&lease).await;
}

/// Damaged input is an error for the worker that reads it, and does not end the execution.
#[tokio::test]
async fn damaged_input_is_an_error() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    let damage = ["HSET", &key("input", 1), "1", "x"];
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
    set_field(&fixture, 1, "submission", "{");
    for _ in 0..fixture.policy.attempts_max {
        let taken = try_take(&fixture.redis).await;
        assert_matches!(taken, Err(QueueError::Corrupt { .. }));
        fixture.clock.advance(fixture.policy.lease);
    }
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.redis.sweep().await.unwrap().ended, 1);
    assert!(whole_record(&fixture, 1).contains(&"given_up".to_owned()));
}

/// A record without its state counts as lost.
#[tokio::test]
async fn a_record_without_its_state_delays_no_other() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.submit(2).await;
    assert_eq!(fixture.command(&["HDEL", &record_key(1), "state"]), "1");
    assert_eq!(fixture.take().await.id(), id(2));
    fixture.clock.advance(Duration::from_hours(2));
    assert_eq!(fixture.redis.sweep().await.unwrap().ended, 1);
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
        fixture.redis.submit(&execution, None).await.unwrap();
        submitted.push(id);
    }
    let first = submitted[0].to_string();
    let keys = fixture.keys();
    let record = keys
        .iter()
        .find(|key| key.contains(":execution:") && key.ends_with(&first));
    let damage = ["HSET", record.unwrap(), "submission", "{"];
    assert_eq!(fixture.command(&damage), "0");
    let taken = try_take(&fixture.redis).await;
    assert_matches!(taken, Err(QueueError::Corrupt { .. }));
    assert_eq!(fixture.take().await.id(), submitted[1]);
}
