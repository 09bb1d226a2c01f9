//! The file adapter keeps the contract of the storage ports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use coderun_conformance::Backend;
use coderun_domain::testing::ManualClock;
use coderun_domain::{Clock, StorePolicy};
use coderun_memory::MemoryRegistry;
use coderun_redb::{RedbBackend, RedbConfig};

async fn backend(clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
    let shown: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let folder = tempfile::tempdir().unwrap();
    let config = RedbConfig::in_folder(folder.path());
    let redb = RedbBackend::open(policy, config, Arc::clone(&shown)).await;
    let redb = redb.unwrap();
    Backend {
        store: Arc::new(redb.clone()),
        queue: Arc::new(redb.clone()),
        notifier: Arc::new(redb.clone()),
        inputs: Arc::new(redb.clone()),
        tickets: Arc::new(redb),
        registry: Arc::new(MemoryRegistry::new(shown)),
        clock,
        policy,
        guard: Box::new(folder),
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
