//! What an operator learns of the server.

use coderun_domain::{ExecutionQueue, ExecutionStore, Health, StoreError};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::{RedisOptions, RedisServer};

use crate::support::Fixture;

async fn on_server(append_only: bool, lines: &[&str]) -> Fixture {
    let server = RedisServer::with(&RedisOptions {
        append_only,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        ..RedisOptions::default()
    });
    let config = RedisConfig::new(server.url().parse().unwrap());
    Fixture::on(server, config, |_| {}).await
}

async fn store_health(fixture: &Fixture) -> Result<Health, StoreError> {
    ExecutionStore::check(&fixture.redis).await
}

#[tokio::test]
async fn a_server_that_keeps_everything_is_good() {
    let fixture = on_server(true, &["maxmemory-policy noeviction"]).await;
    assert_eq!(store_health(&fixture).await.unwrap(), Health::Good);
    let queue = ExecutionQueue::check(&fixture.redis).await.unwrap();
    assert_eq!(queue, Health::Good);
}

#[tokio::test]
async fn a_server_that_may_forget_is_remarked_on() {
    let fixture = on_server(false, &["maxmemory-policy allkeys-lru"]).await;
    let Health::Limited { reason } = store_health(&fixture).await.unwrap() else {
        panic!("nothing was remarked on");
    };
    assert!(
        reason.contains("allkeys-lru") && reason.contains("appendonly"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_tell_works_all_the_same() {
    let fixture = on_server(true, &[]).await;
    let forbidden = fixture
        .server
        .command(&["ACL", "SETUSER", "default", "-info"]);
    assert_eq!(forbidden.text(), "OK");
    let Health::Limited { reason } = store_health(&fixture).await.unwrap() else {
        panic!("nothing was remarked on");
    };
    assert!(reason.contains("INFO"), "{reason}");
}

/// With its memory full a server still reads, but what cannot be written cannot be accepted.
#[tokio::test]
async fn a_server_whose_memory_is_full_is_not_available() {
    let fixture = on_server(true, &["maxmemory-policy noeviction"]).await;
    let full = fixture.server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(full.text(), "OK");
    let health = store_health(&fixture).await;
    assert!(
        matches!(health, Err(StoreError::Unavailable { .. })),
        "{health:?}"
    );
    let refused = fixture.redis.submit(&fixture.execution(1)).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(fixture.get(1).await, None);
}
