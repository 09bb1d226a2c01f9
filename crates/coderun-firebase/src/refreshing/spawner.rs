//! Spawns tasks that outlive their callers and end with their owner.

use std::future::Future;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::start_error::StartError;

/// Spawns tasks on one runtime. Callers on other runtimes may wait for them as well.
#[derive(Debug, Clone)]
pub(crate) struct Spawner {
    tasks: TaskTracker,
    cancel: CancellationToken,
    runtime: Handle,
}

impl Spawner {
    /// A spawner on the current runtime, and the guard whose drop cancels its tasks.
    pub(crate) fn on_current_runtime() -> Result<(Self, DropGuard), StartError> {
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let cancel = CancellationToken::new();
        let guard = cancel.clone().drop_guard();
        let tasks = TaskTracker::new();
        tasks.close();
        Ok((
            Self {
                tasks,
                cancel,
                runtime,
            },
            guard,
        ))
    }

    /// Starts a task; the result is `None` if it is cancelled or panics.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        let task = self.cancel.clone().run_until_cancelled_owned(task);
        let task = self.tasks.spawn_on(task, &self.runtime);
        task.map(|result| result.ok().flatten())
    }
}
