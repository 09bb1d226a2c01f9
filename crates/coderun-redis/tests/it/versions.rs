//! Records that another version of the service wrote, or that are damaged.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{SequentialIds, language, user};
use coderun_domain::{
    ExecutionQueue as _, ExecutionStore as _, InputError, InputPosition, InputRelay as _,
    InputReply, Page, QueueError, StoreError, Swept, TicketError, WorkerId,
};

use coderun_redis::RedisConfig;
use coderun_redis_fixture::{RedisServer, Reply};

use crate::support::{Fixture, id, input, key, typed, worker};

fn record_key(number: u128) -> String {
    format!("coderun:{{0}}:execution:{}", id(number))
}

fn set_field(fixture: &Fixture, number: u128, field: &str, value: &str) {
    let key = record_key(number);
    let answer = fixture.server.command(&["HSET", &key, field, value]);
    assert_eq!(answer.text(), "0", "the field was not there");
}

fn whole_record(fixture: &Fixture, number: u128) -> Vec<String> {
    let answer = fixture.server.command(&["HGETALL", &record_key(number)]);
    answer.parts().iter().map(Reply::text).collect()
}

#[tokio::test]
async fn a_newer_record_is_nobodys_error_and_stays_as_it_is() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    set_field(&fixture, 1, "fixed", "3 whatever comes");
    set_field(&fixture, 1, "state", "{}");
    let before = whole_record(&fixture, 1);
    let redis = &fixture.redis;
    let read = redis.get(id(1)).await;
    assert!(
        matches!(read, Err(StoreError::Unavailable { .. })),
        "{read:?}"
    );
    let cancelled = redis.request_cancel(id(1)).await;
    assert!(
        matches!(cancelled, Err(StoreError::Unavailable { .. })),
        "{cancelled:?}"
    );
    let renewed = redis.renew(&lease).await;
    assert!(
        matches!(renewed, Err(QueueError::Unavailable { .. })),
        "{renewed:?}"
    );
    let sent = redis.send(id(1), input(1, 1), typed("a")).await;
    assert!(
        matches!(sent, Err(InputError::Unavailable { .. })),
        "{sent:?}"
    );
    let received = redis.receive(&lease, InputPosition::START).await;
    assert!(
        matches!(received, Err(InputError::Unavailable { .. })),
        "{received:?}"
    );
    let issued = fixture.issue(1, 1, Duration::from_secs(30)).await;
    assert!(
        matches!(issued, Err(TicketError::Unavailable { .. })),
        "{issued:?}"
    );
    let place = redis.queue_position(id(1)).await;
    assert!(
        matches!(place, Err(StoreError::Unavailable { .. })),
        "{place:?}"
    );
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
async fn a_damaged_record_is_told_and_delays_nobody() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.submit(2).await;
    set_field(&fixture, 1, "submission", "{");
    let redis = &fixture.redis;
    let read = redis.get(id(1)).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    let languages = [language("python")];
    let taken = redis.take(&worker(), &languages).await;
    assert!(
        matches!(taken, Err(QueueError::Corrupt { .. })),
        "{taken:?}"
    );
    let other = WorkerId::parse("worker-2").unwrap();
    let next = redis.take(&other, &languages).await.unwrap().unwrap();
    assert_eq!(next.id(), id(2));
}

/// A record of a version that knew nothing of input while a program runs takes none.
#[tokio::test]
async fn an_older_record_takes_no_input() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    let gone = fixture
        .server
        .command(&["HDEL", &record_key(1), "interactive"]);
    assert_eq!(gone.text(), "1");
    let sent = fixture.redis.send(id(1), input(1, 1), typed("a")).await;
    assert_eq!(sent.unwrap(), InputReply::NotInteractive);
    let read = fixture.get(1).await.unwrap();
    assert!(!read.submission().is_interactive());
    fixture.finish(&lease).await;
}

/// Input that cannot be read is an error for who asks for it, and not the end of its execution.
#[tokio::test]
async fn damaged_input_is_told() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin_interactive(1).await;
    fixture.type_in(1, 1, "a").await;
    let damage = ["HSET", &key("input", 1), "1", "x"];
    assert_eq!(fixture.server.command(&damage).text(), "0");
    let read = fixture.redis.receive(&lease, InputPosition::START).await;
    assert!(
        matches!(read, Err(InputError::Unavailable { .. })),
        "{read:?}"
    );
    fixture.finish(&lease).await;
}

/// A record that cannot be read is taken up as often as any other, and then it ends.
#[tokio::test]
async fn a_damaged_record_comes_to_its_end() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    set_field(&fixture, 1, "submission", "{");
    let languages = [language("python")];
    for _ in 0..fixture.policy.attempts_max {
        let taken = fixture.redis.take(&worker(), &languages).await;
        assert!(
            matches!(taken, Err(QueueError::Corrupt { .. })),
            "{taken:?}"
        );
        fixture.clock.advance(fixture.policy.lease);
    }
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.redis.sweep().await.unwrap().ended, 1);
    assert!(whole_record(&fixture, 1).contains(&"given_up".to_owned()));
}

/// Without its state a record is of no use to anybody: it counts as lost, and nobody has to wait for it.
#[tokio::test]
async fn a_record_without_its_state_delays_nobody() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.submit(2).await;
    let gone = fixture.server.command(&["HDEL", &record_key(1), "state"]);
    assert_eq!(gone.text(), "1");
    assert_eq!(fixture.take().await.id(), id(2));
    fixture.clock.advance(Duration::from_hours(2));
    assert_eq!(fixture.redis.sweep().await.unwrap().ended, 1);
}

/// A damaged record leaves the other records of its partition to be taken at once, where there are several partitions.
#[tokio::test]
async fn a_damaged_record_delays_nobody_in_its_partition() {
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
        fixture.redis.submit(&execution).await.unwrap();
        submitted.push(id);
    }
    let first = submitted[0].to_string();
    let keys = fixture.keys();
    let record = keys
        .iter()
        .find(|key| key.contains(":execution:") && key.ends_with(&first));
    let damage = ["HSET", record.unwrap(), "submission", "{"];
    assert_eq!(fixture.server.command(&damage).text(), "0");
    let languages = [language("python")];
    let taken = fixture.redis.take(&worker(), &languages).await;
    assert!(
        matches!(taken, Err(QueueError::Corrupt { .. })),
        "{taken:?}"
    );
    assert_eq!(fixture.take().await.id(), submitted[1]);
}
