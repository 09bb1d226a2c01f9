//! Keeps the offers of workers until they end.

use std::collections::BTreeMap;

use coderun_domain::{BackendError, Language, WorkerId, WorkerOffer};
use time::OffsetDateTime;

/// How many offers are kept: more workers than one process has, and few enough to be scanned.
const WORKERS_MAX: usize = 1024;

/// The offers of all workers, each with the time at which it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerOffers {
    by_worker: BTreeMap<WorkerId, (OffsetDateTime, WorkerOffer)>,
}

impl WorkerOffers {
    /// Keeps an offer until it ends, in place of an earlier one of the same worker.
    pub(crate) fn announce(
        &mut self,
        offer: WorkerOffer,
        ends_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), BackendError> {
        self.remove_ended(now);
        if self.by_worker.len() >= WORKERS_MAX && !self.by_worker.contains_key(&offer.worker) {
            return Err(format!("{WORKERS_MAX} workers are registered, which is the most").into());
        }
        self.by_worker
            .insert(offer.worker.clone(), (ends_at, offer));
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, worker: &WorkerId) {
        self.by_worker.remove(worker);
    }

    /// The offers that have not ended, by worker.
    pub(crate) fn current(&mut self, now: OffsetDateTime) -> Vec<WorkerOffer> {
        self.remove_ended(now);
        let offers = self.by_worker.values();
        offers.map(|(_, offer)| offer.clone()).collect()
    }

    /// Whether an offer with this language has not ended.
    pub(crate) fn include(&self, language: &Language, now: OffsetDateTime) -> bool {
        self.by_worker.values().any(|(ends_at, offer)| {
            let mut languages = offer.languages.iter();
            *ends_at > now && languages.any(|spec| spec.language == *language)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.by_worker.len()
    }

    fn remove_ended(&mut self, now: OffsetDateTime) {
        self.by_worker.retain(|_, (ends_at, _)| *ends_at > now);
    }
}
