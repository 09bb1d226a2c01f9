//! Takes executions from the queue, runs them and records what became of them.
//!
//! A permit is taken first, then an execution: what cannot be run at once stays in the queue for another worker. All
//! that a run records carries its lease; when the lease is lost the program is killed and nothing more is recorded.

mod doubt;
mod feeder;
mod keeper;
mod pieces;
mod recorder;
mod run;
mod run_io;
mod settings;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CodeRunner, ErrorChain, ExecutionQueue, InputRelay, Language, Lease, QueueError, RunnerError,
};
use futures_util::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use doubt::Doubt;
pub use settings::WorkerSettings;

/// What a worker works with.
#[derive(Debug, Clone)]
pub struct WorkerPorts {
    /// Hands out executions.
    pub queue: Arc<dyn ExecutionQueue>,
    /// Brings what users type.
    pub inputs: Arc<dyn InputRelay>,
    /// Runs them.
    pub runner: Arc<dyn CodeRunner>,
}

/// How a worker is told to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Take nothing more; finish what runs.
    pub drain: CancellationToken,
    /// Kill what runs and hand it over to another worker.
    pub abort: CancellationToken,
}

/// Takes executions from the queue and runs them, several at a time.
#[derive(Debug, Clone)]
pub struct Worker {
    ports: WorkerPorts,
    settings: Arc<WorkerSettings>,
    doubt: Arc<Doubt>,
}

/// Why nothing could be taken.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error("the runner would not run it")]
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
            doubt: Arc::new(Doubt::new()),
        }
    }

    /// Works until `shutdown.drain`, and answers when the last run is finished, or handed over after
    /// `shutdown.abort`.
    pub async fn work(&self, shutdown: &Shutdown) {
        let runs = TaskTracker::new();
        self.take_until_drained(shutdown, &runs).await;
        runs.close();
        runs.wait().await;
    }

    /// Takes and starts, as long as there are permits. A take is never dropped halfway: what it took would wait for
    /// its lease to run out.
    async fn take_until_drained(&self, shutdown: &Shutdown, runs: &TaskTracker) {
        let permits = Arc::new(Semaphore::new(self.settings.concurrency));
        let drain = &shutdown.drain;
        let mut poll = self.settings.poll.clone();
        let mut failures = 0;
        while let Some(Ok(permit)) = drain
            .run_until_cancelled(Arc::clone(&permits).acquire_owned())
            .await
        {
            if drain.is_cancelled() {
                break;
            }
            match self.take().await {
                Ok(Some(lease)) => {
                    failures = 0;
                    runs.spawn(self.clone().run(lease, permit, shutdown.abort.clone()));
                }
                Ok(None) => {
                    failures = 0;
                    drop(permit);
                    let waiting = self.wait_for_work(poll.next_pause());
                    drain.run_until_cancelled(waiting).await;
                }
                Err(error) => {
                    drop(permit);
                    tracing::warn!(error = %ErrorChain(&error), "cannot take work");
                    let pause = tokio::time::sleep(self.settings.backoff(failures));
                    drain.run_until_cancelled(pause).await;
                    failures += 1;
                }
            }
        }
    }

    /// Takes only what the runner would run now.
    async fn take(&self) -> Result<Option<Lease>, TakeError> {
        self.doubt.settle(&*self.ports.runner).await?;
        let languages = self.languages();
        Ok(self.ports.queue.take(&self.settings.id, &languages).await?)
    }

    fn languages(&self) -> Vec<Language> {
        let offered = self.ports.runner.languages();
        offered.into_iter().map(|spec| spec.language).collect()
    }

    async fn wait_for_work(&self, longest: Duration) {
        let woken = self.ports.queue.work_available();
        // Running into the timeout is how a worker finds work that nobody announced.
        drop(tokio::time::timeout(longest, woken).await);
    }

    async fn run(self, lease: Lease, permit: OwnedSemaphorePermit, abort: CancellationToken) {
        let run = run::Run::new(&self.ports, &self.settings, &self.doubt, &lease);
        let running = AssertUnwindSafe(run.to_its_end(&abort));
        if running.catch_unwind().await.is_err() {
            tracing::error!(execution_id = %lease.id(), "a run panicked: another worker takes it over when its lease is over");
        }
        drop(permit);
    }
}

#[cfg(test)]
mod tests;
