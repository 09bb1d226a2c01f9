//! The memory adapter keeps the contract of the storage ports.

use std::sync::Arc;

use coderun_conformance::Backend;
use coderun_domain::StorePolicy;
use coderun_domain::testing::ManualClock;
use coderun_memory::{LedgerConfig, memory_backend};

async fn backend(clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
    let memory = memory_backend(LedgerConfig::new(policy), Arc::clone(&clock) as _);
    Backend::over(&memory, clock, policy)
}

coderun_conformance::storage_tests!(backend);
