//! How long the registry of workers takes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{RegistryError, WorkerId, WorkerOffer, WorkerRegistry};

use super::timing::Timing;

/// A registry whose calls are recorded.
#[derive(Debug)]
pub(crate) struct MeasuredWorkerRegistry {
    inner: Arc<dyn WorkerRegistry>,
    announce: Timing,
    withdraw: Timing,
    offers: Timing,
}

impl MeasuredWorkerRegistry {
    pub(crate) fn new(inner: Arc<dyn WorkerRegistry>, backend: &'static str) -> Self {
        let timing = |operation| Timing::new(backend, operation);
        Self {
            inner,
            announce: timing("announce"),
            withdraw: timing("withdraw"),
            offers: timing("offers"),
        }
    }
}

#[async_trait]
impl WorkerRegistry for MeasuredWorkerRegistry {
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        let call = self.inner.announce(offer, lifetime);
        self.announce.of(call).await
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        self.withdraw.of(self.inner.withdraw(worker)).await
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        self.offers.of(self.inner.offers()).await
    }
}
