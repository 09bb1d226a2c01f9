//! What the API knows of the workers: what may be submitted, and who would run it.

mod view;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use coderun_domain::{FailureKind, LimitPolicy, RegistryError, WorkerOffer, WorkerRegistry};
use tokio_util::sync::CancellationToken;

use crate::Rhythm;
use crate::outage::Outage;

pub use view::FleetView;

/// A registry that takes longer to answer is taken to be away.
const DEADLINE: Duration = Duration::from_secs(2);

/// The workers, as far as this process knows.
///
/// It keeps a [`FleetView`] and brings it up to date by asking the registry. Where no worker is left, or the registry
/// cannot be reached, languages and limits stay as they were last known: what is submitted waits in the queue for a
/// worker to come back.
#[derive(Debug)]
pub struct Fleet {
    registry: Arc<dyn WorkerRegistry>,
    limits: LimitPolicy,
    known: RwLock<Option<Arc<FleetView>>>,
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
            known: RwLock::new(None),
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
        known.clone().ok_or(NoWorkerYet)
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
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_some_and(|view| view.offers() == offers) {
            return !offers.is_empty();
        }
        let view = FleetView::of(offers, &self.limits);
        let is_able = view.is_some();
        *known = view
            .or_else(|| known.as_ref().map(|last| last.deserted()))
            .map(Arc::new);
        is_able
    }
}

#[cfg(test)]
mod tests;
