//! Implements the [`WorkerRegistry`].

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{RegistryError, WorkerId, WorkerOffer, WorkerRegistry};

use crate::access::{LedgerAccess, StepError};
use crate::backend::LedgerBackend;
use crate::ledger::Ledger;

/// Offers are never durable: workers announce themselves again and again.
#[async_trait]
impl<A: LedgerAccess> WorkerRegistry for LedgerBackend<A> {
    /// Refused beyond 1 024 workers, until another offer ends.
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        let offer = offer.clone();
        let announce =
            move |ledger: &mut Ledger, now| ledger.offers.announce(offer, now + lifetime, now);
        let announced = self.step("announce", announce).await?;
        announced.map_err(|full| {
            let source = full.into();
            let backend = A::BACKEND;
            StepError { backend, source }.into()
        })
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        let worker = worker.clone();
        let withdraw = move |ledger: &mut Ledger, _| ledger.offers.withdraw(&worker);
        Ok(self.step("withdraw", withdraw).await?)
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        Ok(self
            .step("offers", |ledger, now| ledger.offers.current(now))
            .await?)
    }
}
