//! The file adapter keeps the contract of the storage ports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use coderun_conformance::Backend;
use coderun_domain::StorePolicy;
use coderun_domain::testing::ManualClock;
use coderun_redb::{RedbConfig, open_backend};

async fn backend(clock: Arc<ManualClock>, policy: StorePolicy) -> Backend {
    let folder = tempfile::tempdir().unwrap();
    let config = RedbConfig::in_folder(folder.path(), policy);
    let redb = open_backend(config, Arc::clone(&clock) as _).await.unwrap();
    Backend::over(&redb, clock, policy).with_guard(folder)
}

coderun_conformance::storage_tests!(backend);
