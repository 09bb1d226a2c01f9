//! Tests that accepted executions are on a replica before the call returns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_domain::testing::{ManualClock, draft, execution_id, store_policy, submission, user};
use coderun_domain::{Clock as _, Execution, StoreError};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisCluster, RedisSentinel, RedisServer};
use futures_util::future::join_all;

use crate::support::{connect, try_take};

fn config(url: &str) -> RedisConfig {
    RedisConfig {
        replicas: 1,
        ..RedisConfig::new(url.parse().unwrap())
    }
}

async fn start() -> (RedisSentinel, RedisBackend) {
    let sentinel = RedisSentinel::start();
    let (redis, _) = connect(config(&sentinel.url()), store_policy()).await;
    (sentinel, redis)
}

fn execution(number: u128) -> Execution {
    let now = ManualClock::default().now();
    Execution::submit(
        execution_id(number),
        submission(user("alice"), draft()),
        now,
    )
}

fn replica(sentinel: &RedisSentinel) -> &RedisServer {
    let master = sentinel.master().port();
    let [one, other] = sentinel.servers();
    if one.port() == master { other } else { one }
}

/// The master dies right after it has accepted fifty executions: none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_no_accepted_execution() {
    let (sentinel, redis) = start().await;
    for number in 1..=50 {
        redis.store.submit(&execution(number), None).await.unwrap();
    }
    sentinel.kill_master();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut found = 0;
    for number in 1..=50 {
        loop {
            match redis.store.get(execution_id(number)).await {
                Ok(execution) => {
                    found += usize::from(execution.is_some());
                    break;
                }
                Err(error) => assert!(Instant::now() < deadline, "{error:?}"),
            }
        }
    }
    assert_eq!(found, 50);
}

/// While the replica hangs, submissions are refused, and reads do not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_replica_submissions_are_refused_and_reads_go_on() {
    let (sentinel, redis) = start().await;
    redis.store.submit(&execution(1), None).await.unwrap();
    replica(&sentinel).pause();
    let second = execution(2);
    let mut submitting = redis.store.submit(&second, None);
    let reading = async {
        for _ in 0..100 {
            assert!(redis.store.get(execution_id(1)).await.unwrap().is_some());
        }
    };
    tokio::select! {
        biased;
        refused = &mut submitting => panic!("refused before anything could be read: {refused:?}"),
        () = reading => {}
    }
    let refused = submitting.await;
    let health = redis.store.check().await;
    assert_matches!(health, Err(StoreError::Unavailable { .. }));
    assert_matches!(refused, Err(StoreError::Unavailable { .. }));
    replica(&sentinel).resume();
    redis.store.submit(&execution(2), None).await.unwrap();
    let lease = try_take(&redis).await.unwrap();
    assert_eq!(lease.unwrap().id(), execution_id(1));
}

/// A group waits for its replicas once, not once for each of its steps.
#[tokio::test]
async fn without_the_replica_a_group_of_submissions_is_refused_together() {
    let (sentinel, redis) = start().await;
    redis.store.submit(&execution(1), None).await.unwrap();
    replica(&sentinel).pause();
    let waits = || sentinel.master().info("cmdstat_wait").unwrap();
    let calls = |stats: String| -> u32 {
        let (_, rest) = stats.split_once("calls=").unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    let before = calls(waits());
    let executions: Vec<_> = (2..8).map(execution).collect();
    let submitting = executions.iter().map(|it| redis.store.submit(it, None));
    for refused in join_all(submitting).await {
        assert_matches!(refused, Err(StoreError::Unavailable { .. }));
    }
    assert_eq!(calls(waits()), before + 1);
    replica(&sentinel).resume();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_replicas_is_refused_on_a_cluster() {
    let cluster = RedisCluster::start();
    let clock = Arc::new(ManualClock::default());
    let refused = RedisBackend::connect(config(&cluster.url()), store_policy(), clock).await;
    let error = coderun_domain::ErrorChain(&refused.unwrap_err()).to_string();
    assert!(error.contains("min-replicas-to-write"), "{error}");
}
