//! Sets up a backend over a file that can be closed and opened again.

use std::sync::Arc;
use std::time::Duration;

use coderun_conformance::Backend;
use coderun_domain::testing::{ManualClock, store_policy};
use tempfile::TempDir;

use crate::{RedbBackend, RedbConfig, open_backend};

/// How long anything may take that must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The guard of a backend: the file in a folder of its own.
pub(super) struct OpenFile {
    pub(super) redb: RedbBackend,
    folder: TempDir,
}

pub(super) async fn new_backend() -> Backend {
    open(tempfile::tempdir().unwrap(), Arc::default()).await
}

/// Closes the file and opens it again, as the next process does.
pub(super) async fn restart(backend: Backend) -> Backend {
    let file = backend.guard.downcast::<OpenFile>().unwrap();
    file.redb.close().await;
    open(file.folder, backend.clock).await
}

pub(super) fn file_of(backend: &Backend) -> &OpenFile {
    backend.guard.downcast_ref().unwrap()
}

async fn open(folder: TempDir, clock: Arc<ManualClock>) -> Backend {
    let config = RedbConfig {
        step_timeout: PATIENCE,
        ..RedbConfig::in_folder(folder.path().join("data"), store_policy())
    };
    let redb = open_backend(config, Arc::clone(&clock) as _).await.unwrap();
    Backend::over(&redb, clock, store_policy()).with_guard(OpenFile { redb, folder })
}
