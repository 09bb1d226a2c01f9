//! Runs the contract of the storage ports on Redis, each clause on a server of its own.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use coderun_conformance::Backend;
use coderun_domain::StorePolicy;
use coderun_domain::testing::ManualClock;
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::RedisServer;

async fn backend(clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
    let server = RedisServer::start();
    let config = RedisConfig::new(server.url().parse().expect("a good address"));
    let backend_clock = Arc::clone(&clock);
    let redis = RedisBackend::connect(config, policy, backend_clock)
        .await
        .expect("a server that was just started");
    Backend {
        store: redis.store,
        queue: redis.queue,
        notifier: redis.notifier,
        inputs: redis.inputs,
        tickets: redis.tickets,
        registry: redis.registry,
        clock,
        policy,
        guard: Box::new(server),
    }
}

coderun_conformance::storage_tests!(backend);
