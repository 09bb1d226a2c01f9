//! What the API knows of the workers: what may be submitted, and who would run it.

mod view;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use coderun_domain::{
    FailureKind, LanguageSpec, LimitPolicy, RegistryError, WorkerOffer, WorkerRegistry,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Rhythm;
use crate::outage::Outage;

pub use view::FleetView;

/// A language that nobody offers any more may be submitted for so long.
const LANGUAGE_GRACE: Duration = Duration::from_mins(1);
/// A registry that takes longer to answer is taken to be away.
const DEADLINE: Duration = Duration::from_secs(2);

/// The workers, as far as this process knows.
///
/// It keeps a [`FleetView`] and brings it up to date by asking the registry. Where no worker is left, or the registry
/// cannot be reached, languages and limits stay as they were last known: what is submitted waits in the queue for a
/// worker to come back. For a minute that holds for each language, too: the only worker that has it may be restarting.
#[derive(Debug)]
pub struct Fleet {
    registry: Arc<dyn WorkerRegistry>,
    limits: LimitPolicy,
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    view: Option<Arc<FleetView>>,
    /// Every language that was offered lately, and when it was last.
    lately: Vec<(LanguageSpec, Instant)>,
}

/// No worker has been seen since this process began: nobody can say what may be submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no worker has announced itself yet")]
pub struct NoWorkerYet;

impl NoWorkerYet {
    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(self) -> FailureKind {
        FailureKind::Unavailable
    }
}

/// Why nothing would be run now.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// There is no worker that can run anything.
    #[error("no worker is there")]
    Deserted,
    /// Nobody knows, because the registry does not answer in time.
    #[error("the worker registry does not answer in time")]
    Silent,
    /// Nobody knows, because the registry cannot be asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Fleet {
    /// The workers in this registry, none of which is known yet. No submission may ask for more than `limits`, whatever
    /// the workers allow.
    #[must_use]
    pub const fn new(registry: Arc<dyn WorkerRegistry>, limits: LimitPolicy) -> Self {
        Self {
            registry,
            limits,
            known: RwLock::new(Known {
                view: None,
                lately: Vec::new(),
            }),
        }
    }

    /// The same, with a worker that is known before it has announced itself: this process's own.
    #[must_use]
    pub fn with_worker(self, offer: WorkerOffer) -> Self {
        self.learn(vec![offer]);
        self
    }

    /// What is known of the workers now.
    ///
    /// # Errors
    /// [`NoWorkerYet`] if none has ever been seen.
    pub fn view(&self) -> Result<Arc<FleetView>, NoWorkerYet> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.view.clone().ok_or(NoWorkerYet)
    }

    /// Asks the registry which workers there are, within two seconds.
    ///
    /// # Errors
    /// [`FleetError`] if there are none, or nobody knows. What was known before stays, except that nobody is there.
    pub async fn refresh(&self) -> Result<(), FleetError> {
        let offers = tokio::time::timeout(DEADLINE, self.registry.offers())
            .await
            .map_err(|_| FleetError::Silent)??;
        if self.learn(offers) {
            Ok(())
        } else {
            Err(FleetError::Deserted)
        }
    }

    /// Refreshes the view after each pause, until `end`.
    pub async fn follow(&self, mut rhythm: Rhythm, end: &CancellationToken) {
        let following = async {
            let mut outage = Outage::of("finding workers");
            loop {
                tokio::time::sleep(rhythm.next_pause()).await;
                outage.note(&self.refresh().await);
            }
        };
        end.run_until_cancelled(following).await;
    }

    /// Takes these offers for what there is, and answers whether somebody can run something.
    fn learn(&self, offers: Vec<WorkerOffer>) -> bool {
        let view = FleetView::of(offers, &self.limits);
        let is_able = view.is_some();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let view = match view {
            Some(view) => Some(known.complete(view)),
            None => known.view.as_ref().map(|last| last.deserted()),
        };
        if known.view.as_deref() != view.as_ref() {
            known.view = view.map(Arc::new);
        }
        is_able
    }
}

impl Known {
    /// Adds the languages that were offered lately and are not now.
    fn complete(&mut self, view: FleetView) -> FleetView {
        let offered = view.catalog().specs();
        self.lately.retain(|(spec, seen)| {
            let is_offered = offered.iter().any(|it| it.language == spec.language);
            !is_offered && seen.elapsed() < LANGUAGE_GRACE
        });
        let now = Instant::now();
        let gone: Vec<_> = self.lately.clone();
        self.lately
            .extend(offered.iter().map(|spec| (spec.clone(), now)));
        view.with_missing(gone.iter().map(|(spec, _)| spec))
    }
}

#[cfg(test)]
mod tests;
