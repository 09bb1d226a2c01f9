//! Keeps the offers of workers until they end.

use std::collections::BTreeMap;
use std::mem;

use coderun_domain::{WorkerId, WorkerOffer};
use time::OffsetDateTime;

use super::Ledger;

/// How many offers are kept: more workers than one process has, and few enough to be looked through.
const WORKERS_MAX: usize = 1024;

/// The offers of all workers, each with the time at which it ends.
pub type WorkerOffers = BTreeMap<WorkerId, (OffsetDateTime, WorkerOffer)>;

/// Says that no more workers can be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{WORKERS_MAX} workers are registered, which is the most")]
pub(crate) struct TooManyWorkers;

impl Ledger {
    /// Keeps an offer until it ends.
    pub(crate) fn announce(
        &mut self,
        offer: WorkerOffer,
        ends_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), TooManyWorkers> {
        self.drop_ended_offers(now);
        if self.offers.len() >= WORKERS_MAX && !self.offers.contains_key(&offer.worker) {
            return Err(TooManyWorkers);
        }
        self.offers.insert(offer.worker.clone(), (ends_at, offer));
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, worker: &WorkerId) {
        self.offers.remove(worker);
    }

    /// The offers that have not ended, by worker.
    pub(crate) fn offers(&mut self, now: OffsetDateTime) -> Vec<WorkerOffer> {
        self.drop_ended_offers(now);
        let offers = self.offers.values();
        offers.map(|(_, offer)| offer.clone()).collect()
    }

    /// Takes all offers away, for the ledger that replaces this one.
    pub fn take_offers(&mut self) -> WorkerOffers {
        mem::take(&mut self.offers)
    }

    fn drop_ended_offers(&mut self, now: OffsetDateTime) {
        self.offers.retain(|_, (ends_at, _)| *ends_at > now);
    }
}
