//! The Redis adapters keep the contract of the storage ports, each clause on a server of its own.

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
    let shown = Arc::clone(&clock);
    let redis = RedisBackend::connect(config, policy, shown)
        .await
        .expect("a server that was just started");
    Backend {
        store: Arc::new(redis.clone()),
        queue: Arc::new(redis.clone()),
        notifier: Arc::new(redis.clone()),
        inputs: Arc::new(redis.clone()),
        tickets: Arc::new(redis.clone()),
        registry: Arc::new(redis),
        clock,
        policy,
        guard: Box::new(server),
    }
}

mod execution_store {
    coderun_conformance::execution_store_tests!(super::backend);
}

mod execution_queue {
    coderun_conformance::execution_queue_tests!(super::backend);
}

mod notifier {
    coderun_conformance::notifier_tests!(super::backend);
}

mod input_relay {
    coderun_conformance::input_relay_tests!(super::backend);
}

mod ticket_store {
    coderun_conformance::ticket_store_tests!(super::backend);
}

mod worker_registry {
    coderun_conformance::worker_registry_tests!(super::backend);
}
