//! Keeps the API's view of the workers: what may be submitted, and which workers would run it.

mod view;

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    FailureKind, LanguageSpec, LimitPolicy, RegistryError, UnavailableLanguage, WorkerId,
    WorkerOffer, WorkerRegistry,
};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{JitteredInterval, OutageLog};

pub use view::FleetView;

/// The time for which a language may be submitted after the last worker with it has gone.
const LANGUAGE_GRACE: Duration = Duration::from_mins(1);
/// The time between two looks for the workers while one of them is checking languages.
pub(crate) const CHECKING_INTERVAL: Duration = Duration::from_millis(500);
/// The longest wait for an answer of the registry.
const DEADLINE: Duration = Duration::from_secs(2);

/// The workers that this process knows.
///
/// It keeps a [`FleetView`], which it refreshes from the registry. While no worker is left, or the registry is unavailable,
/// languages and limits stay as they were: submissions wait in the queue for a worker to come back. For a minute that holds
/// for each language, too: a worker that had it may be restarting. What all of these workers offer no longer, although they
/// are there, may not be submitted.
#[derive(Debug)]
pub struct Fleet {
    registry: Arc<dyn WorkerRegistry>,
    limits: LimitPolicy,
    /// All languages that workers could have.
    known: Vec<UnavailableLanguage>,
    view: watch::Sender<Option<Arc<FleetView>>>,
    /// What each worker offered when it was last seen, if that was within [`LANGUAGE_GRACE`].
    recent: Mutex<Vec<RecentLanguage>>,
    outages: OutageLog,
}

#[derive(Debug, Clone)]
struct RecentLanguage {
    worker: WorkerId,
    spec: LanguageSpec,
    offered_at: Instant,
}

/// Says that this process has seen no worker since it started, so it cannot tell what may be submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no worker has announced itself yet")]
pub struct NoWorkerYet;

impl NoWorkerYet {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(self) -> FailureKind {
        FailureKind::Unavailable
    }
}

/// Says why no execution would run now.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// There is no worker that can run anything.
    #[error("no worker is available")]
    NoWorker,
    /// The workers have just started: they check each language before they offer it.
    #[error("the workers are still checking their languages")]
    CheckingLanguages,
    /// No worker can run anything at present.
    #[error("no worker can run anything now: {outage}")]
    Outage {
        /// What one of them says about its runner.
        outage: String,
    },
    /// The registry did not answer in time.
    #[error("the worker registry did not answer within 2 s")]
    Timeout,
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Fleet {
    /// A fleet without workers, to be refreshed from this registry. No submission may ask for more than `limits`, whatever
    /// the workers allow.
    #[must_use]
    pub fn new(registry: Arc<dyn WorkerRegistry>, limits: LimitPolicy) -> Self {
        Self {
            registry,
            limits,
            known: Vec::new(),
            view: watch::Sender::new(None),
            recent: Mutex::default(),
            outages: OutageLog::default(),
        }
    }

    /// The same with a log of failures that it shares with other work.
    #[must_use]
    pub fn with_outages(self, outages: OutageLog) -> Self {
        Self { outages, ..self }
    }

    /// The same, which tells languages of these that no worker has from names that mean nothing.
    #[must_use]
    pub fn with_known(mut self, known: Vec<UnavailableLanguage>) -> Self {
        self.known = known;
        self
    }

    /// The same with a worker that has not announced itself yet: this process's own.
    #[must_use]
    pub fn with_worker(self, offer: WorkerOffer) -> Self {
        self.update(vec![offer]);
        self
    }

    /// The current view.
    ///
    /// # Errors
    /// [`NoWorkerYet`] if none has ever been seen.
    pub fn view(&self) -> Result<Arc<FleetView>, NoWorkerYet> {
        self.view.borrow().clone().ok_or(NoWorkerYet)
    }

    /// Follows the view, which is `None` before the first worker was seen.
    pub(crate) fn views(&self) -> watch::Receiver<Option<Arc<FleetView>>> {
        self.view.subscribe()
    }

    /// Refreshes the view from the registry, within two seconds.
    ///
    /// # Errors
    /// [`FleetError::NoWorker`], [`FleetError::CheckingLanguages`] and [`FleetError::Outage`]: the view keeps its
    /// languages and limits, but has no offers. [`FleetError::Timeout`] and [`FleetError::Registry`]: the view stays as
    /// it was.
    pub async fn refresh(&self) -> Result<(), FleetError> {
        let offers = tokio::time::timeout(DEADLINE, self.registry.offers())
            .await
            .map_err(|_| FleetError::Timeout)??;
        let outage = offers.iter().find_map(|offer| offer.outage.clone());
        let is_checking = offers.iter().any(is_checking_languages);
        if self.update(offers) {
            return Ok(());
        }
        Err(match outage {
            Some(outage) => FleetError::Outage { outage },
            None if is_checking => FleetError::CheckingLanguages,
            None => FleetError::NoWorker,
        })
    }

    /// Refreshes the view after each pause, until `end`; more often while a worker is checking languages.
    pub async fn follow(&self, mut interval: JitteredInterval, end: &CancellationToken) {
        let following = async {
            let outage = self.outages.of("find workers");
            loop {
                let pause = interval.next_pause();
                let view = self.view().ok();
                let is_checking = view.is_some_and(|view| view.catalog().is_being_checked());
                let longest = if is_checking {
                    CHECKING_INTERVAL
                } else {
                    pause
                };
                tokio::time::sleep(pause.min(longest)).await;
                match self.refresh().await {
                    // It is part of every start.
                    Err(FleetError::CheckingLanguages) => {}
                    refreshed => outage.note(&refreshed),
                }
            }
        };
        end.run_until_cancelled(following).await;
    }

    /// Replaces the offers, and answers whether any worker can run anything now.
    fn update(&self, offers: Vec<WorkerOffer>) -> bool {
        let mut recent = self.recent.lock();
        note_offers(&mut recent, &offers);
        let view = FleetView::of(offers, &self.limits, &self.known);
        let is_able = |offer: &WorkerOffer| !offer.languages.is_empty();
        let has_worker = view
            .as_ref()
            .is_some_and(|view| view.offers().iter().any(is_able));
        let view = match view {
            Some(view) => Some(view.with_missing(recent.iter().map(|recent| &recent.spec))),
            None => self
                .view
                .borrow()
                .as_ref()
                .map(|last| last.without_workers()),
        };
        self.view.send_if_modified(|last| {
            let is_changed = last.as_deref() != view.as_ref();
            if is_changed {
                *last = view.map(Arc::new);
            }
            is_changed
        });
        has_worker
    }
}

/// Remembers what each worker offers now, and of those that are gone what they offered until recently.
fn note_offers(recent: &mut Vec<RecentLanguage>, offers: &[WorkerOffer]) {
    recent.retain(|recent| {
        let is_gone = !offers.iter().any(|offer| offer.worker == recent.worker);
        is_gone && recent.offered_at.elapsed() < LANGUAGE_GRACE
    });
    let offered_at = Instant::now();
    for offer in offers {
        let languages = offer.languages.iter();
        recent.extend(languages.map(|spec| RecentLanguage {
            worker: offer.worker.clone(),
            spec: spec.clone(),
            offered_at,
        }));
    }
}

fn is_checking_languages(offer: &WorkerOffer) -> bool {
    let mut unavailable = offer.unavailable.iter();
    unavailable.any(UnavailableLanguage::is_being_checked)
}

#[cfg(test)]
mod tests;
