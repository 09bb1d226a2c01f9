//! What was accepted is on a replica, too, before anybody is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_domain::testing::{
    ManualClock, draft, execution_id, language, store_policy, submission, user,
};
use coderun_domain::{Clock as _, Execution, ExecutionQueue as _, ExecutionStore, StoreError};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisCluster, RedisSentinel, RedisServer};

use crate::support::worker;

fn config(url: &str) -> RedisConfig {
    RedisConfig {
        replicas: 1,
        ..RedisConfig::new(url.parse().unwrap())
    }
}

async fn backend(url: &str) -> RedisBackend {
    let clock = Arc::new(ManualClock::default());
    RedisBackend::connect(config(url), store_policy(), clock)
        .await
        .unwrap()
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

/// The master dies right after it has answered, again and again: nothing that was accepted is lost with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_takes_nothing_with_it() {
    let sentinel = RedisSentinel::start();
    let redis = backend(&sentinel.url()).await;
    for number in 1..=50 {
        redis.submit(&execution(number)).await.unwrap();
    }
    sentinel.kill_master();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut found = 0;
    for number in 1..=50 {
        loop {
            match redis.get(execution_id(number)).await {
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

/// A replica that hangs: nothing is accepted any more, and nobody who only reads has to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_replica_nothing_is_accepted_and_reading_goes_on() {
    let sentinel = RedisSentinel::start();
    let redis = backend(&sentinel.url()).await;
    redis.submit(&execution(1)).await.unwrap();
    replica(&sentinel).pause();
    let second = execution(2);
    let mut submitting = redis.submit(&second);
    let reading = async {
        for _ in 0..100 {
            assert!(redis.get(execution_id(1)).await.unwrap().is_some());
        }
    };
    tokio::select! {
        biased;
        refused = &mut submitting => panic!("refused before anything could be read: {refused:?}"),
        () = reading => {}
    }
    let refused = submitting.await;
    let health = ExecutionStore::check(&redis).await;
    assert!(
        matches!(health, Err(StoreError::Unavailable { .. })),
        "{health:?}"
    );
    assert!(
        matches!(refused, Err(StoreError::Unavailable { .. })),
        "{refused:?}"
    );
    replica(&sentinel).resume();
    redis.submit(&execution(2)).await.unwrap();
    let lease = redis.take(&worker(), &[language("python")]).await.unwrap();
    assert_eq!(lease.unwrap().id(), execution_id(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_cluster_it_is_refused_at_the_start() {
    let cluster = RedisCluster::start();
    let clock = Arc::new(ManualClock::default());
    let refused = RedisBackend::connect(config(&cluster.url()), store_policy(), clock).await;
    let error = coderun_domain::ErrorChain(&refused.unwrap_err()).to_string();
    assert!(error.contains("min-replicas-to-write"), "{error}");
}
