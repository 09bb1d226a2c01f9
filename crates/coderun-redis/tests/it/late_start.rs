//! Tests processes that start before what Sentinels or a Cluster consist of, or with a password that it refuses.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{SequentialIds, draft, store_policy, submission, user};
use coderun_domain::{Clock as _, Diagnosis, ErrorChain, Execution, StoreError};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisCluster, RedisSentinel, RedisServer};

use crate::support::{connect, try_take};

/// Enough for servers to find each other again, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);

fn config(url: &str) -> RedisConfig {
    RedisConfig {
        patience: Duration::from_secs(1),
        ..RedisConfig::new(url.parse().unwrap())
    }
}

/// What is wrong, in the words of the readiness.
fn explanation(error: &StoreError) -> String {
    let text = Diagnosis::of(error).map(str::to_owned);
    text.unwrap_or_else(|| panic!("not explained: {}", ErrorChain(error)))
}

/// Connects while all of these are down, and works once they are up again.
async fn works_once_they_are_there(url: &str, servers: &[&RedisServer]) {
    for server in servers {
        server.kill();
    }
    let (redis, clock) = connect(config(url), store_policy()).await;
    let error = redis.store.check().await.unwrap_err();
    let text = explanation(&error);
    assert!(text.contains("cannot be reached"), "{text}");
    for server in servers {
        server.restart();
    }
    let id = redis
        .ids(Arc::new(SequentialIds::default()))
        .execution_id(&user("alice"));
    let execution = Execution::submit(id, submission(user("alice"), draft()), clock.now());
    let submitted = tokio::time::timeout(LONG, until_submitted(&redis, &execution));
    submitted.await.unwrap();
    let lease = try_take(&redis).await.unwrap().unwrap();
    assert_eq!(lease.id(), id);
}

/// Each attempt waits for the backend itself.
async fn until_submitted(redis: &RedisBackend, execution: &Execution) {
    while redis.store.submit(execution, None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_their_servers_may_come_later() {
    let sentinel = RedisSentinel::start();
    let servers = sentinel.servers().iter().chain(sentinel.sentinels());
    works_once_they_are_there(&sentinel.url(), &servers.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_may_come_later() {
    let cluster = RedisCluster::start();
    let masters: Vec<_> = cluster.masters().iter().collect();
    works_once_they_are_there(&cluster.url(), &masters).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_refuses_the_password_is_explained_at_once() {
    let cluster = RedisCluster::start();
    for master in cluster.masters() {
        let set = master.command(&["CONFIG", "SET", "requirepass", "hush"]);
        assert_eq!(set.text(), "OK");
    }
    let url = cluster.url().replace("://", "://:guess@");
    let (redis, _) = connect(config(&url), store_policy()).await;
    let error = redis.store.check().await.unwrap_err();
    let text = explanation(&error);
    assert!(text.contains("refuses the user and password"), "{text}");
    let all = ErrorChain(&error).to_string();
    assert!(!all.contains("guess"), "{all}");
}
