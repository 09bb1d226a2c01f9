//! Tests what the health check tells an operator about the server.

use std::time::Duration;

use coderun_domain::testing::finished;
use coderun_domain::{CancelReply, Health, QueueDepth, Renewal, Sequence, StoreError};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::{RedisOptions, RedisServer};

use crate::support::{Fixture, id, piece};

async fn start(append_only: bool, lines: &[&str]) -> Fixture {
    let server = RedisServer::with(&RedisOptions {
        append_only,
        ..RedisOptions::with_lines(lines)
    });
    let config = RedisConfig::new(server.url().parse().unwrap());
    Fixture::on(server, config, |_| {}).await
}

async fn store_health(fixture: &Fixture) -> Result<Health, StoreError> {
    fixture.redis.store.check().await
}

#[tokio::test]
async fn a_server_with_durable_settings_is_healthy() {
    let fixture = start(true, &["maxmemory-policy noeviction"]).await;
    assert_eq!(store_health(&fixture).await.unwrap(), Health::Good);
    let queue = fixture.redis.queue.check().await.unwrap();
    assert_eq!(queue, Health::Good);
}

#[tokio::test]
async fn a_server_that_may_lose_records_is_remarked_on() {
    let fixture = start(false, &["maxmemory-policy allkeys-lru"]).await;
    let Health::Limited { reason } = store_health(&fixture).await.unwrap() else {
        panic!("no remark");
    };
    assert!(
        reason.contains("allkeys-lru") && reason.contains("appendonly"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_server_without_info_is_remarked_on() {
    let fixture = start(true, &[]).await;
    assert_eq!(
        fixture.command(&["ACL", "SETUSER", "default", "-info"]),
        "OK"
    );
    let Health::Limited { reason } = store_health(&fixture).await.unwrap() else {
        panic!("no remark");
    };
    assert!(reason.contains("INFO"), "{reason}");
}

/// A server with a full memory still serves reads, but refuses submissions.
#[tokio::test]
async fn a_server_whose_memory_is_full_is_not_available() {
    let fixture = start(true, &["maxmemory-policy noeviction"]).await;
    assert_eq!(fixture.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let health = store_health(&fixture).await;
    assert_matches!(health, Err(StoreError::Unavailable { .. }));
    let refused = fixture
        .redis
        .store
        .submit(&fixture.execution(1), None)
        .await;
    assert_matches!(refused, Err(StoreError::Unavailable { .. }));
    assert_eq!(fixture.get(1).await, None);
}

/// What was accepted before runs to its end, and is read and watched.
#[tokio::test]
async fn a_server_whose_memory_is_full_serves_what_it_has_accepted() {
    let fixture = start(true, &["maxmemory-policy noeviction"]).await;
    let redis = &fixture.redis;
    let leases = [fixture.begin(1).await, fixture.begin(2).await];
    for number in 3..=5 {
        fixture.submit(number).await;
    }
    assert_eq!(fixture.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let last = leases[0].execution().sequence();
    redis
        .queue
        .finish(&leases[0], last, &[], &finished())
        .await
        .unwrap();
    assert_eq!(
        redis.queue.renew(&leases[1]).await.unwrap(),
        Renewal::Continue
    );
    let told = [piece(&leases[1], "hello")];
    redis.queue.append(&leases[1], last, &told).await.unwrap();
    drop(
        redis
            .notifier
            .subscribe(id(2), Sequence::START)
            .await
            .unwrap(),
    );
    redis.queue.release(&leases[1]).await.unwrap();
    assert_matches!(
        redis.store.request_cancel(id(3)).await,
        Ok(CancelReply::Ended(_))
    );
    assert_eq!(fixture.take().await.id(), id(2));
    let depth = redis.queue.depth().await.unwrap();
    let expected = QueueDepth {
        pending: 2,
        running: 1,
    };
    assert_eq!(depth, expected);
    assert_eq!(redis.store.queue_position(id(5)).await.unwrap(), Some(2));
    fixture.clock.advance(Duration::from_mins(2));
    redis.queue.sweep().await.unwrap();
}
