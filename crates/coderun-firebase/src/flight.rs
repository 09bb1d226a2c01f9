//! Questions that go on when the one who asked has gone, so that others get the answer.

use std::future::Future;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// An answer under way, for any number of callers; `None` if the task ended without one. Cancel-safe.
pub(crate) type Flight<T> = Shared<BoxFuture<'static, Option<T>>>;

/// Owns the tasks behind flights. They end when it is dropped.
#[derive(Debug)]
pub(crate) struct Flights {
    tasks: TaskTracker,
    stop: CancellationToken,
    runtime: Handle,
    _end: DropGuard,
}

impl Flights {
    /// Flights on the runtime that the caller is in. Callers from other runtimes may wait for them as well.
    pub(crate) fn on_this_runtime() -> Result<Self, NoRuntime> {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.close();
        Ok(Self {
            tasks,
            runtime: Handle::try_current().map_err(|_| NoRuntime)?,
            _end: stop.clone().drop_guard(),
            stop,
        })
    }

    /// Starts a task and gives its answer to whoever holds the flight.
    pub(crate) fn begin<T>(&self, answer: impl Future<Output = T> + Send + 'static) -> Flight<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        let answer = self.stop.clone().run_until_cancelled_owned(answer);
        self.tasks
            .spawn_on(answer, &self.runtime)
            .map(|landed| landed.ok().flatten())
            .boxed()
            .shared()
    }
}

/// There is no runtime to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not called inside a tokio runtime")]
pub(crate) struct NoRuntime;
