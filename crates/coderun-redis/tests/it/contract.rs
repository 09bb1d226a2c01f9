//! Runs the contract of the ports on a Cluster, and behind Sentinels.
//!
//! Both take seconds to start, so the clauses of a suite share one, each with a key prefix of its own.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use coderun_conformance::{
    Backend, Clause, execution_queue_tests, execution_store_tests, input_relay_tests,
    notifier_tests, ticket_store_tests, worker_registry_tests,
};
use coderun_domain::StorePolicy;
use coderun_domain::testing::ManualClock;
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisCluster, RedisSentinel};
use futures_util::FutureExt as _;
use tokio::task::JoinSet;

/// The number of clauses that run at a time.
const CONCURRENCY: usize = 8;

static PREFIXES: AtomicUsize = AtomicUsize::new(0);

/// A backend with one partition, because the clauses check the order over all users.
async fn backend(url: String, clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
    let prefix = format!("test-{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    let config = RedisConfig {
        key_prefix: prefix.parse().unwrap(),
        partitions: Some(1),
        ..RedisConfig::new(url.parse().unwrap())
    };
    let backend_clock = Arc::clone(&clock);
    let redis = RedisBackend::connect(config, policy, backend_clock).await;
    let redis = redis.unwrap();
    Backend {
        store: redis.store,
        queue: redis.queue,
        notifier: redis.notifier,
        inputs: redis.inputs,
        tickets: redis.tickets,
        registry: redis.registry,
        clock,
        policy,
        guard: Box::new(()),
    }
}

/// Runs all clauses, and names the broken ones.
async fn assert_kept(clauses: Vec<(&'static str, Clause)>) {
    let mut clauses = clauses.into_iter();
    let (mut running, mut broken) = (JoinSet::new(), Vec::new());
    loop {
        while running.len() < CONCURRENCY
            && let Some((name, clause)) = clauses.next()
        {
            let run = AssertUnwindSafe(clause).catch_unwind();
            running.spawn(async move { (name, run.await.is_ok()) });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (name, is_kept) = ended.unwrap();
        if !is_kept {
            broken.push(name);
        }
    }
    assert_eq!(broken, Vec::<&str>::new());
}

macro_rules! contract_tests {
    ($module:ident, $servers:ident: $($test:ident: $suite:ident, $clauses:ident;)*) => {
        mod $module {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let servers = $servers::start();
                    let url = servers.url();
                    assert_kept($clauses!(@list clause_list ($suite {
                        let url = url.clone();
                        move |clock, policy| backend(url.clone(), clock, policy)
                    })))
                    .await;
                }
            )*
        }
    };
    ($module:ident, $servers:ident) => {
        contract_tests! {
            $module, $servers:
            the_store_keeps_its_contract: execution_store, execution_store_tests;
            the_queue_keeps_its_contract: execution_queue, execution_queue_tests;
            the_notifier_keeps_its_contract: notifier, notifier_tests;
            the_input_relay_keeps_its_contract: input_relay, input_relay_tests;
            the_ticket_store_keeps_its_contract: ticket_store, ticket_store_tests;
            the_worker_registry_keeps_its_contract: worker_registry, worker_registry_tests;
        }
    };
}

contract_tests!(on_a_cluster, RedisCluster);
contract_tests!(behind_sentinels, RedisSentinel);
