//! Lets the use cases of a process offer executions to the worker of the same process while it is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::{
    Execution, ExecutionStore, Language, Lease, StoreError, SubmitReply, Submitted,
    UnavailableLanguage,
};
use parking_lot::Mutex;
use tokio::sync::oneshot::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{Instrument as _, Span};

use super::run_permit::{ParkedRuns, RunPermit};
use super::{Shutdown, Worker, WorkerSettings};
use crate::metrics;

/// The worker of this process, as the use cases see it.
///
/// Clones are the same worker.
#[derive(Debug, Clone)]
pub struct LocalWorker(pub(super) Worker);

/// The permits of a worker, one for each run, and what it offers while it is idle.
#[derive(Debug)]
pub(super) struct Capacity {
    permits: Arc<Semaphore>,
    /// The permits for users who run nothing while all others are in use.
    extra_permits: Arc<Semaphore>,
    /// Whether the worker waits for a permit.
    is_exhausted: AtomicBool,
    /// The runs that have given their permits away.
    parked_runs: Arc<ParkedRuns>,
    offer: Mutex<Option<Offer>>,
}

/// What an idle worker can run, and where.
#[derive(Debug)]
struct Offer {
    languages: Arc<[Language]>,
    runs: TaskTracker,
    shutdown: Shutdown,
}

/// Withdraws the offer of a worker when it is dropped.
#[derive(Debug)]
pub(super) struct OpenOffer<'a>(&'a Capacity);

/// A permit of the local worker, kept for one submission. The worker does not end while there is one.
#[derive(Debug)]
pub(crate) struct Reservation {
    worker: Worker,
    permit: OwnedSemaphorePermit,
    shutdown: Shutdown,
    token: TaskTrackerToken,
}

impl Capacity {
    pub(super) fn new(settings: &WorkerSettings) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(settings.concurrency)),
            extra_permits: Arc::new(Semaphore::new(settings.extra_concurrency)),
            is_exhausted: AtomicBool::default(),
            parked_runs: Arc::new(ParkedRuns::new(settings.parking)),
            offer: Mutex::default(),
        }
    }

    /// Waits for a permit, and gets all that are free then. Permits are not reserved meanwhile, because nothing is offered.
    pub(super) async fn all_free(&self) -> Option<OwnedSemaphorePermit> {
        self.is_exhausted.store(true, Ordering::Release);
        let free = Arc::clone(&self.permits).acquire_owned().await;
        self.is_exhausted.store(false, Ordering::Release);
        Some(with_all_available(free.ok()?))
    }

    /// Waits until there is an extra permit.
    pub(super) async fn extra_available(&self) {
        drop(self.extra_permits.acquire().await);
    }

    /// All extra permits that are free now. They are not held while nothing is taken, because a run that has given one away
    /// may want it back.
    pub(super) fn all_extra(&self) -> Option<OwnedSemaphorePermit> {
        let first = Arc::clone(&self.extra_permits).try_acquire_owned();
        Some(with_all_available(first.ok()?))
    }

    pub(super) fn is_extra(&self, permit: &OwnedSemaphorePermit) -> bool {
        Arc::ptr_eq(permit.semaphore(), &self.extra_permits)
    }

    /// Whether all permits are in use, more executions may wait, and no run wants the permit back that it has given away.
    pub(super) fn is_exhausted(&self) -> bool {
        self.is_exhausted.load(Ordering::Acquire) && !self.parked_runs.is_any_returning()
    }

    /// The permit of a run, which it can give away for a while.
    pub(super) fn run_permit(&self, permit: OwnedSemaphorePermit, lease: &Lease) -> RunPermit {
        let user = lease.execution().submission().user().clone();
        RunPermit::new(permit, &self.permits, Arc::clone(&self.parked_runs), user)
    }

    /// Offers to run executions in these languages until the answer is dropped.
    pub(super) fn offer(
        &self,
        languages: Arc<[Language]>,
        runs: &TaskTracker,
        shutdown: &Shutdown,
    ) -> OpenOffer<'_> {
        *self.offer.lock() = Some(Offer {
            languages,
            runs: runs.clone(),
            shutdown: shutdown.clone(),
        });
        OpenOffer(self)
    }
}

/// This permit with all others of its kind that are free.
fn with_all_available(mut permit: OwnedSemaphorePermit) -> OwnedSemaphorePermit {
    let permits = Arc::clone(permit.semaphore());
    let more = u32::try_from(permits.available_permits()).unwrap_or(u32::MAX);
    if let Ok(more) = permits.try_acquire_many_owned(more) {
        permit.merge(more);
    }
    permit
}

impl Drop for OpenOffer<'_> {
    fn drop(&mut self) {
        *self.0.offer.lock() = None;
    }
}

impl LocalWorker {
    /// Has its runner check this language before others.
    pub(crate) fn check_next(&self, language: &UnavailableLanguage) {
        self.0.ports.runner.check_next(language);
    }

    /// Reserves a permit if the worker could run an execution in this language at once: it is idle, its last take has found
    /// all that waited and no hint has come since, its runner works, and it is not draining.
    pub(crate) fn reserve(&self, language: &Language) -> Option<Reservation> {
        let worker = &self.0;
        let offer = worker.capacity.offer.lock();
        let offer = offer.as_ref()?;
        let is_able = offer.languages.contains(language)
            && worker.health.is_proven()
            && !offer.shutdown.drain.is_cancelled();
        if !is_able {
            return None;
        }
        let permit = Arc::clone(&worker.capacity.permits).try_acquire_owned();
        Some(Reservation {
            worker: worker.clone(),
            permit: permit.ok()?,
            shutdown: offer.shutdown.clone(),
            token: offer.runs.token(),
        })
    }
}

impl Reservation {
    /// Submits an execution with the offer of this worker, which runs it at once on this thread if the offer is granted.
    ///
    /// Dropping the answer stops neither: a granted lease whose worker did not know of it would have to run out first.
    ///
    /// # Errors
    /// Those of [`ExecutionStore::submit`].
    pub(crate) async fn submit(
        self,
        store: Arc<dyn ExecutionStore>,
        execution: Execution,
    ) -> Result<SubmitReply, StoreError> {
        let (reply, answer) = oneshot::channel();
        let (runs, span) = (self.token.task_tracker().clone(), Span::current());
        runs.spawn(async move {
            let offer = Some(self.worker.settings.id.clone());
            let submitted = store.submit(&execution, offer).instrument(span).await;
            let lease = match submitted.as_ref().map(|reply| &reply.submitted) {
                Ok(Submitted::Leased(lease)) => Some(Lease::clone(lease)),
                Ok(Submitted::Accepted | Submitted::AlreadyExists(_)) | Err(_) => None,
            };
            // The client may have gone.
            drop(reply.send(submitted));
            if let Some(lease) = lease {
                metrics::record_taken(lease.execution());
                let Self {
                    worker,
                    permit,
                    shutdown,
                    ..
                } = self;
                worker.run(lease, permit, shutdown).await;
            }
        });
        let lost = |error: RecvError| StoreError::Unavailable {
            backend: "local worker",
            source: error.into(),
        };
        answer.await.unwrap_or_else(|error| Err(lost(error)))
    }
}
