//! Tests what the health check tells an operator about the server.

use std::time::{Duration, Instant};

use coderun_domain::testing::store_policy;
use coderun_domain::{CancelReply, Diagnosis, ErrorChain, Health, Renewal, Sequence, StoreError};
use coderun_redis::RedisConfig;
use coderun_redis_fixture::{RedisOptions, RedisServer};

use crate::support::{Fixture, connect, id, piece};

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

/// What the check of the store says is wrong.
async fn diagnosis(fixture: &Fixture) -> String {
    let error = store_health(fixture).await.unwrap_err();
    Diagnosis::of(&error).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which() {
    let fixture = start(true, &[]).await;
    for (change, named) in [
        (
            "resetchannels",
            "`PUBLISH`, `SUBSCRIBE` with the keys and channels",
        ),
        ("-zadd", "may not use `ZADD` with"),
        (
            "-@hash",
            "`HDEL`, `HEXISTS`, `HGET`, `HGETALL`, `HMGET` and 3 more",
        ),
        ("-eval", "may not run the command `eval`"),
        ("resetkeys", "may not access the keys"),
    ] {
        let rights = ["ACL", "SETUSER", "default", "~*", "&*", "+@all", change];
        // A user without all channels is disconnected if it has subscribed to others.
        assert_eq!(fixture.command(&rights), "OK");
        let text = diagnosis(&fixture).await;
        assert!(text.contains(named), "{change}: {text}");
        assert!(
            text.ends_with("docs/operations.md lists the rights that it needs"),
            "{text}"
        );
    }
    let rights = ["ACL", "SETUSER", "default", "~*", "&*", "+@all"];
    assert_eq!(fixture.command(&rights), "OK");
    assert_eq!(store_health(&fixture).await.unwrap(), Health::Good);
}

/// It is told within the time that a check has.
#[tokio::test]
async fn what_is_wrong_with_a_server_is_told() {
    let fixture = start(true, &[]).await;
    let command = |words: &[&str]| assert_eq!(fixture.command(words), "OK");
    command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(diagnosis(&fixture).await.contains("read-only replica"));
    command(&["REPLICAOF", "NO", "ONE"]);
    command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    assert!(diagnosis(&fixture).await.contains("min-replicas-to-write"));
    command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(
        diagnosis(&fixture)
            .await
            .contains("memory of Redis is full")
    );
    fixture.server.kill();
    let started = Instant::now();
    assert!(diagnosis(&fixture).await.contains("cannot be reached"));
    assert!(started.elapsed() < Duration::from_secs(2));
    fixture.server.restart();
    fixture.server.pause();
    let started = Instant::now();
    assert!(diagnosis(&fixture).await.contains("in time: it hangs"));
    assert!(started.elapsed() < Duration::from_secs(2));
    fixture.server.resume();
}

#[tokio::test]
async fn a_server_that_comes_up_late_is_not_used_with_another_number_of_partitions() {
    let server = RedisServer::stopped(&RedisOptions::default());
    let config = RedisConfig {
        partitions: Some(2),
        ..RedisConfig::new(server.url().parse().unwrap())
    };
    let (redis, _) = connect(config, store_policy()).await;
    server.restart();
    let set = |count| server.command(&["SET", "coderun:3:partitions", count]);
    assert_eq!(set("1").text(), "OK");
    let error = ErrorChain(&redis.queue.depth().await.unwrap_err()).to_string();
    assert!(error.contains("1 partitions"), "{error}");
    assert_eq!(set("2").text(), "OK");
    redis.queue.depth().await.unwrap();
}

/// A server that does not work at the start works later, and is explained meanwhile.
#[tokio::test]
async fn a_server_that_refuses_at_the_start_is_used_once_it_accepts() {
    let server = RedisServer::with(&RedisOptions {
        password: Some("hush".to_owned()),
        append_only: true,
        ..RedisOptions::default()
    });
    for (url, expected) in [
        (
            server.url().replace("hush", "wrong"),
            "refuses the user and password",
        ),
        (server.url().replace(":hush@", ""), "requires a password"),
        (
            server.url().replace("redis:", "rediss:"),
            "does not speak TLS",
        ),
        (server.url() + "/99", "no database of the number"),
        (
            server.url().replace("redis:", "redis+cluster:"),
            "is no Cluster",
        ),
    ] {
        let started = Instant::now();
        let (redis, _) = connect(RedisConfig::new(url.parse().unwrap()), store_policy()).await;
        assert!(started.elapsed() < Duration::from_secs(2), "{url}");
        let error = redis.store.check().await.unwrap_err();
        let text = Diagnosis::of(&error).unwrap_or_default();
        assert!(
            text.contains(expected),
            "{url}: {text}: {}",
            ErrorChain(&error)
        );
        assert!(
            !ErrorChain(&error).to_string().contains("wrong"),
            "{}",
            ErrorChain(&error)
        );
    }
    let url = server.url().replace("hush", "new");
    let (redis, _) = connect(RedisConfig::new(url.parse().unwrap()), store_policy()).await;
    assert_matches!(
        redis.store.check().await,
        Err(StoreError::Unavailable { .. })
    );
    let changed = server.command(&["ACL", "SETUSER", "default", ">new"]);
    assert_eq!(changed.text(), "OK");
    let until_good = async {
        while redis.store.check().await.ok() != Some(Health::Good) {
            tokio::task::yield_now().await;
        }
    };
    let until_good = tokio::time::timeout(Duration::from_secs(20), until_good);
    until_good.await.expect("it connects with the new password");
}

/// Neither needs the other nodes to be there.
#[tokio::test]
async fn a_cluster_and_sentinels_that_are_not_there_are_explained() {
    let server = RedisServer::stopped(&RedisOptions::default());
    let host = server.url().replace("redis://", "");
    for url in [
        format!("redis+cluster://{host}"),
        format!("redis+sentinel://{host}/mymaster"),
    ] {
        let (redis, _) = connect(RedisConfig::new(url.parse().unwrap()), store_policy()).await;
        let error = redis.store.check().await.unwrap_err();
        let text = Diagnosis::of(&error).unwrap_or_default();
        assert!(
            text.contains("cannot be reached"),
            "{url}: {text}: {}",
            ErrorChain(&error)
        );
    }
    let url = format!("redis+sentinel://{host}/mymaster");
    server.restart();
    let (redis, _) = connect(RedisConfig::new(url.parse().unwrap()), store_policy()).await;
    assert_matches!(
        redis.store.check().await,
        Err(StoreError::Unavailable { .. })
    );
}

/// A server with a full memory still serves reads, but refuses submissions.
#[tokio::test]
async fn a_server_whose_memory_is_full_is_not_available() {
    let fixture = start(true, &["maxmemory-policy noeviction"]).await;
    assert_eq!(fixture.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let health = store_health(&fixture).await;
    assert_matches!(health, Err(StoreError::Unavailable { .. }));
    let refused = fixture.try_submit(1).await;
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
    fixture.finish(&leases[0]).await;
    assert_eq!(
        redis.queue.renew(&leases[1]).await.unwrap(),
        Renewal::Continue
    );
    let told = [piece(&leases[1], "hello")];
    fixture.append(&leases[1], last, &told).await;
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
    assert_eq!(fixture.depth().await, (2, 1));
    assert_eq!(redis.store.queue_position(id(5)).await.unwrap(), Some(2));
    fixture.clock.advance(Duration::from_mins(2));
    redis.queue.sweep().await.unwrap();
}
