//! Takes executions from the queue and runs them, each under a lease.
//!
//! A worker gets a permit first and then an execution: what it cannot run at once stays in the queue for another worker.
//! Everything that a run records carries its lease; when the lease is lost, the program is killed and nothing more is
//! recorded.

mod chunk_buffer;
mod held_lease;
mod input;
mod local_worker;
mod output_recorder;
mod run;
mod run_io;
mod run_permit;
mod runner_failure;
mod runner_health;
mod runner_languages;
mod settings;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Language, Lease, QueueError, RunnerError, TakeFor};
use futures_util::FutureExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{OutageLog, metrics, retry};
use local_worker::Capacity;
use run::Run;
use run_permit::RunPermit;
use runner_health::RunnerHealth;
use runner_languages::RunnerLanguages;

pub use local_worker::LocalWorker;
pub use settings::{NextTake, ParkingSettings, WorkerPorts, WorkerSettings};

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
    runner_languages: Arc<RunnerLanguages>,
    capacity: Arc<Capacity>,
    outages: OutageLog,
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
            capacity: Arc::new(Capacity::new(&settings)),
            settings: Arc::new(settings),
            health: Arc::default(),
            runner_languages: Arc::default(),
            outages: OutageLog::default(),
        }
    }

    /// The same with a log of failures that it shares with other work.
    #[must_use]
    pub fn with_outages(self, outages: OutageLog) -> Self {
        Self { outages, ..self }
    }

    /// This worker for the use cases of the same process, which offer it executions while it is idle.
    #[must_use]
    pub fn local(&self) -> LocalWorker {
        LocalWorker(self.clone())
    }

    /// Works until `shutdown.drain`, and returns when the last run is finished, or released after `shutdown.abort`.
    pub async fn work(&self, shutdown: &Shutdown) {
        let runs = TaskTracker::new();
        self.take_until_drained(shutdown, &runs).await;
        runs.close();
        runs.wait().await;
    }

    /// Takes and starts as many executions as there are permits, and while there are none, for users who run nothing as many
    /// as there are extra permits. A take is never dropped halfway: what it took would wait for its lease to run out.
    async fn take_until_drained(&self, shutdown: &Shutdown, runs: &TaskTracker) {
        let drain = &shutdown.drain;
        let mut poll = self.settings.poll.clone();
        let mut backoff = retry::backoff();
        let outage = self.outages.of("take executions");
        loop {
            let next = self.next_permits(poll.next_pause());
            let Some((users, permits)) = drain.run_until_cancelled(next).await else {
                break;
            };
            let Some(permits) = permits.filter(|_| !drain.is_cancelled()) else {
                break;
            };
            let taken = self.take_and_start(users, permits, shutdown, runs).await;
            outage.note(&taken);
            match taken {
                Ok(Remaining::Unknown) => backoff = retry::backoff(),
                Ok(Remaining::Nothing) => {
                    backoff = retry::backoff();
                    if users == TakeFor::IdleUsers {
                        continue;
                    }
                    let waiting = self.wait_for_work(poll.next_pause(), shutdown, runs);
                    drain.run_until_cancelled(waiting).await;
                }
                Err(_logged) => {
                    let pause = tokio::time::sleep(backoff.next().unwrap_or_default());
                    drain.run_until_cancelled(pause).await;
                }
            }
        }
    }

    /// Waits for permits. While there are none, waits as long for work of users who run nothing, and an extra permit for it.
    async fn next_permits(&self, longest: Duration) -> (TakeFor, Option<OwnedSemaphorePermit>) {
        tokio::select! {
            biased;
            free = self.capacity.all_free() => (self.everyone(), free),
            extra = self.extra_permits(longest) => (TakeFor::IdleUsers, Some(extra)),
        }
    }

    async fn extra_permits(&self, longest: Duration) -> OwnedSemaphorePermit {
        loop {
            self.capacity.extra_available().await;
            let work = self.ports.queue.work_available(TakeFor::IdleUsers);
            // Hints may be lost, so the timeout is no error.
            drop(tokio::time::timeout(longest, work).await);
            if let Some(permits) = self.capacity.all_extra() {
                return permits;
            }
        }
    }

    /// Takes as many executions of these users as there are permits, if the runner works, and starts a run of each.
    async fn take_and_start(
        &self,
        users: TakeFor,
        mut permits: OwnedSemaphorePermit,
        shutdown: &Shutdown,
        runs: &TaskTracker,
    ) -> Result<Remaining, TakeError> {
        self.health.ensure(&*self.ports.runner).await?;
        let at_most = permits.num_permits();
        let leases = self.take(users, at_most).await?;
        let remaining = Remaining::after(leases.len(), at_most);
        for lease in leases {
            if let Some(permit) = permits.split(1) {
                runs.spawn(self.clone().run(lease, permit, shutdown.clone()));
            }
        }
        Ok(remaining)
    }

    /// All users, of whom each has at most half of the places while others wait.
    fn everyone(&self) -> TakeFor {
        let half = self.settings.concurrency / 2;
        TakeFor::Everyone {
            share: u32::try_from(half).unwrap_or(u32::MAX).max(1),
        }
    }

    async fn take(&self, users: TakeFor, at_most: usize) -> Result<Vec<Lease>, QueueError> {
        let (queue, languages) = (&self.ports.queue, self.languages());
        let leases = queue
            .take(&self.settings.id, &languages, users, at_most)
            .await?;
        for lease in &leases {
            metrics::record_taken(lease.execution());
        }
        Ok(leases)
    }

    fn languages(&self) -> Arc<[Language]> {
        self.runner_languages.of(&*self.ports.runner)
    }

    /// Waits for a hint, and offers all free permits to the use cases of this process meanwhile.
    async fn wait_for_work(&self, longest: Duration, shutdown: &Shutdown, runs: &TaskTracker) {
        let _offer = self.capacity.offer(self.languages(), runs, shutdown);
        // Hints may be lost, so the timeout is no error.
        drop(tokio::time::timeout(longest, self.ports.queue.work_available(self.everyone())).await);
    }

    /// Runs an execution, and with the same permit others that wait, as long as all permits are in use and
    /// [`NextTake`] says so or the permit is an extra one. So a busy worker wakes no other task, nor another thread, between two
    /// runs.
    async fn run(self, lease: Lease, permit: OwnedSemaphorePermit, shutdown: Shutdown) {
        let mut next = Some((lease, permit));
        while let Some((lease, permit)) = next {
            let permit = self.capacity.run_permit(permit, &lease);
            self.run_one(lease, &permit, &shutdown.abort).await;
            next = match permit.into_permit() {
                Some(permit) => {
                    let lease = self.take_next(&permit, &shutdown.drain).await;
                    lease.map(|lease| (lease, permit))
                }
                None => None,
            };
        }
    }

    async fn run_one(&self, lease: Lease, permit: &RunPermit, abort: &CancellationToken) {
        let id = lease.id();
        let (ports, settings) = (self.ports.clone(), Arc::clone(&self.settings));
        let run = Run::new(
            ports,
            settings,
            Arc::clone(&self.health),
            lease,
            abort.clone(),
        );
        let running = AssertUnwindSafe(run.run_to_completion(permit));
        if running.catch_unwind().await.is_err() {
            tracing::error!(execution_id = %id, "a run panicked; another worker takes over when its lease expires");
        }
    }

    /// Takes the next execution for a permit that is about to be free. Without one, the permit goes back to those who wait.
    async fn take_next(
        &self,
        permit: &OwnedSemaphorePermit,
        drain: &CancellationToken,
    ) -> Option<Lease> {
        // Nothing else tells that the user of an extra run, who runs nothing now, has more that waits.
        let is_extra = self.capacity.is_extra(permit);
        let may_take = (is_extra || self.settings.next_take == NextTake::ByEachRun)
            && self.capacity.is_exhausted()
            && self.health.is_proven()
            && !drain.is_cancelled();
        if !may_take {
            return None;
        }
        // The loop that gets the permit tries again, and logs what is wrong.
        let users = if is_extra {
            TakeFor::IdleUsers
        } else {
            self.everyone()
        };
        self.take(users, 1).await.ok()?.pop()
    }
}

#[cfg(test)]
mod tests;
