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
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
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

/// Says why a worker could not take executions.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("the runner is not ready")]
    Runner(#[from] RunnerError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What a take left in the queue.
enum Remaining {
    /// There was no more to take.
    Nothing,
    /// There may be more.
    Unknown,
}

impl Remaining {
    /// What is left after a take of so many found so many.
    const fn after(found: usize, at_most: usize) -> Self {
        if found < at_most {
            Self::Nothing
        } else {
            Self::Unknown
        }
    }
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

    /// Takes and starts as many executions as there are permits. A take is never dropped halfway: what it took would wait
    /// for its lease to run out.
    async fn take_until_drained(&self, shutdown: &Shutdown, runs: &TaskTracker) {
        let permits = Arc::new(Semaphore::new(self.settings.concurrency));
        let drain = &shutdown.drain;
        let mut poll = self.settings.poll.clone();
        let mut backoff = retry::backoff();
        while let Some(Ok(free)) = drain.run_until_cancelled(all_free(&permits)).await {
            if drain.is_cancelled() {
                break;
            }
            match self.take_and_start(free, &shutdown.abort, runs).await {
                Ok(Remaining::Unknown) => backoff = retry::backoff(),
                Ok(Remaining::Nothing) => {
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

    /// Takes as many executions as there are permits, if the runner works, and starts a run of each.
    async fn take_and_start(
        &self,
        mut permits: OwnedSemaphorePermit,
        abort: &CancellationToken,
        runs: &TaskTracker,
    ) -> Result<Remaining, TakeError> {
        self.health.ensure(&*self.ports.runner).await?;
        let specs = self.ports.runner.languages().into_iter();
        let languages: Vec<Language> = specs.map(|spec| spec.language).collect();
        let (queue, at_most) = (&self.ports.queue, permits.num_permits());
        let leases = queue.take(&self.settings.id, &languages, at_most).await?;
        let remaining = Remaining::after(leases.len(), at_most);
        for lease in leases {
            metrics::record_taken(lease.execution());
            if let Some(permit) = permits.split(1) {
                runs.spawn(self.clone().run(lease, permit, abort.clone()));
            }
        }
        Ok(remaining)
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

/// Waits for a permit, and gets all that are free then.
async fn all_free(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, AcquireError> {
    let mut free = Arc::clone(permits).acquire_owned().await?;
    let more = u32::try_from(permits.available_permits()).unwrap_or(u32::MAX);
    // Only the caller takes permits, so they are still there.
    if let Ok(more) = Arc::clone(permits).try_acquire_many_owned(more) {
        free.merge(more);
    }
    Ok(free)
}

#[cfg(test)]
mod tests;
