//! Takes executions from the queue and runs them, each under a lease.
//!
//! A worker gets a permit first and then an execution: what it cannot run at once stays in the queue for another worker.
//! Everything that a run records carries its lease; when the lease is lost, the program is killed and nothing more is
//! recorded.

mod chunk_buffer;
mod held_lease;
mod input;
mod output_recorder;
mod run;
mod run_io;
mod runner_failure;
mod runner_health;
mod settings;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ErrorChain, Language, Lease, QueueError, RunnerError};
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{metrics, retry};
use run::Run;
use runner_health::RunnerHealth;

pub use settings::{WorkerPorts, WorkerSettings};

/// The two signals that stop a worker.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take nothing more; finish what runs.
    pub drain: CancellationToken,
    /// Kill what runs and release it for another worker.
    pub abort: CancellationToken,
}

/// Takes executions from the queue and runs them, several at a time.
#[derive(Debug, Clone)]
pub struct Worker {
    ports: WorkerPorts,
    settings: Arc<WorkerSettings>,
    health: Arc<RunnerHealth>,
}

/// Says why a worker could not take an execution.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("the runner is not ready")]
    Runner(#[from] RunnerError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Worker {
    /// A worker over these ports.
    #[must_use]
    pub fn new(ports: WorkerPorts, settings: WorkerSettings) -> Self {
        Self {
            ports,
            settings: Arc::new(settings),
            health: Arc::default(),
        }
    }

    /// Works until `shutdown.drain`, and returns when the last run is finished, or released after `shutdown.abort`.
    pub async fn work(&self, shutdown: &Shutdown) {
        let runs = TaskTracker::new();
        self.take_until_drained(shutdown, &runs).await;
        runs.close();
        runs.wait().await;
    }

    /// Takes and starts executions while there are permits. A take is never dropped halfway: what it took would wait for
    /// its lease to run out.
    async fn take_until_drained(&self, shutdown: &Shutdown, runs: &TaskTracker) {
        let permits = Arc::new(Semaphore::new(self.settings.concurrency));
        let drain = &shutdown.drain;
        let mut poll = self.settings.poll.clone();
        let mut backoff = retry::backoff();
        while let Some(Ok(permit)) = drain
            .run_until_cancelled(Arc::clone(&permits).acquire_owned())
            .await
        {
            if drain.is_cancelled() {
                break;
            }
            match self.take().await {
                Ok(Some(lease)) => {
                    backoff = retry::backoff();
                    runs.spawn(self.clone().run(lease, permit, shutdown.abort.clone()));
                }
                Ok(None) => {
                    backoff = retry::backoff();
                    let waiting = self.wait_for_work(poll.next_pause());
                    drain.run_until_cancelled(waiting).await;
                }
                Err(error) => {
                    tracing::warn!(error = %ErrorChain(&error), "cannot take an execution");
                    let pause = tokio::time::sleep(backoff.next().unwrap_or_default());
                    drain.run_until_cancelled(pause).await;
                }
            }
        }
    }

    /// Takes an execution, if the runner works.
    async fn take(&self) -> Result<Option<Lease>, TakeError> {
        self.health.ensure(&*self.ports.runner).await?;
        let specs = self.ports.runner.languages().into_iter();
        let languages: Vec<Language> = specs.map(|spec| spec.language).collect();
        let taken = self.ports.queue.take(&self.settings.id, &languages).await?;
        if let Some(lease) = &taken {
            metrics::record_taken(lease.execution());
        }
        Ok(taken)
    }

    async fn wait_for_work(&self, longest: Duration) {
        // Hints may be lost, so the timeout is no error.
        drop(tokio::time::timeout(longest, self.ports.queue.work_available()).await);
    }

    async fn run(self, lease: Lease, permit: OwnedSemaphorePermit, abort: CancellationToken) {
        let id = lease.id();
        let health = Arc::clone(&self.health);
        let run = Run::new(self.ports, self.settings, health, lease, abort);
        let running = AssertUnwindSafe(run.run_to_completion());
        if running.catch_unwind().await.is_err() {
            tracing::error!(execution_id = %id, "a run panicked; another worker takes over when its lease expires");
        }
        drop(permit);
    }
}

#[cfg(test)]
mod tests;
