//! Implements the [`WorkerRegistry`].

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{RegistryError, WorkerId, WorkerOffer, WorkerRegistry};

use crate::access::LedgerAccess;
use crate::backend::LedgerBackend;
use crate::ledger::Ledger;

/// Offers are never durable: workers announce themselves again and again.
#[async_trait]
impl<A: LedgerAccess> WorkerRegistry for LedgerBackend<A> {
    /// Refused beyond 1 024 workers, until another offer ends.
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        let offer = offer.clone();
        let announce = move |ledger: &mut Ledger| {
            let announced = ledger
                .offers
                .announce(offer, ledger.now + lifetime, ledger.now);
            announced.map_err(|source| RegistryError::Unavailable {
                backend: A::BACKEND,
                source,
            })
        };
        self.step("announce", announce).await
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        let worker = worker.clone();
        let withdraw = move |ledger: &mut Ledger| {
            ledger.offers.withdraw(&worker);
            Ok(())
        };
        self.step("withdraw", withdraw).await
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        self.step("offers", |ledger| Ok(ledger.offers.current(ledger.now)))
            .await
    }
}
