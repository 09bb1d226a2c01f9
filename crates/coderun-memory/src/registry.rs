//! The worker registry: offers with the time at which each ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Clock, RegistryError, WorkerId, WorkerOffer, WorkerRegistry};
use time::OffsetDateTime;

/// More workers than one process has, and few enough to be looked through.
const WORKERS_MAX: usize = 1_024;

/// A worker registry in this process: for workers that share it with the API.
///
/// It holds 1 024 offers at most; an announcement beyond that is refused until another offer ends.
#[derive(Debug)]
pub struct MemoryRegistry {
    clock: Arc<dyn Clock>,
    offers: Mutex<Offers>,
}

/// Each offer with the time at which it ends.
type Offers = BTreeMap<WorkerId, (OffsetDateTime, WorkerOffer)>;

impl MemoryRegistry {
    /// A registry without workers. Offers end by this clock.
    #[must_use]
    pub const fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            offers: Mutex::new(Offers::new()),
        }
    }

    /// The offers that have not ended; the others are dropped here.
    fn live(&self, now: OffsetDateTime) -> MutexGuard<'_, Offers> {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.retain(|_, (ends_at, _)| *ends_at > now);
        offers
    }
}

#[async_trait]
impl WorkerRegistry for MemoryRegistry {
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        let now = self.clock.now();
        let mut offers = self.live(now);
        if offers.len() >= WORKERS_MAX && !offers.contains_key(&offer.worker) {
            return Err(RegistryError::Unavailable {
                backend: "memory",
                source: format!("it has {WORKERS_MAX} workers already").into(),
            });
        }
        offers.insert(offer.worker.clone(), (now + lifetime, offer.clone()));
        Ok(())
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        self.live(self.clock.now()).remove(worker);
        Ok(())
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        let live = self.live(self.clock.now());
        Ok(live.values().map(|(_, offer)| offer.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{ManualClock, worker_offer};

    use super::*;

    fn named(number: usize) -> WorkerOffer {
        worker_offer(&format!("w{number}"))
    }

    #[tokio::test]
    async fn one_worker_too_many_is_refused_until_another_offer_ends() {
        let clock = Arc::new(ManualClock::default());
        let registry = MemoryRegistry::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let lifetime = Duration::from_secs(15);
        for number in 0..WORKERS_MAX {
            registry.announce(&named(number), lifetime).await.unwrap();
        }
        assert!(registry.announce(&named(0), lifetime).await.is_ok());
        let one_more = named(WORKERS_MAX);
        assert!(registry.announce(&one_more, lifetime).await.is_err());
        clock.advance(lifetime);
        assert!(registry.announce(&one_more, lifetime).await.is_ok());
        assert_eq!(registry.offers().await.unwrap(), [one_more]);
    }
}
