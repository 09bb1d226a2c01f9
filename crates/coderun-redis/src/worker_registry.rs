//! The [`WorkerRegistry`] side of the backend: one hash with an offer for each worker.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{RegistryError, WorkerId, WorkerOffer, WorkerRegistry};
use coderun_record::{StoredOffer, encode_offer};
use deadpool_redis::redis::Cmd;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::record::read_fields;

/// The hash outlives every offer in it; each offer says itself when it ends.
const TTL: Duration = Duration::from_hours(24);
/// An offer that ended so long ago is deleted by whoever meets it.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);

#[async_trait]
impl WorkerRegistry for RedisBackend {
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        self.timed("announce", async {
            let record =
                encode_offer(offer, self.now() + lifetime).map_err(AdapterError::Unwritable)?;
            let mut set = self.on_workers("HSET");
            set.arg(offer.worker.as_str()).arg(record);
            self.ask(&set).await?;
            let mut expire = self.on_workers("EXPIRE");
            expire.arg(TTL.as_secs());
            self.ask(&expire).await?;
            Ok(())
        })
        .await
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        self.timed("withdraw", async {
            Ok(self.forget(&[worker.as_str().to_owned()]).await?)
        })
        .await
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        self.timed("offers", async { Ok(self.current_offers().await?) })
            .await
    }
}

impl RedisBackend {
    fn on_workers(&self, name: &str) -> Cmd {
        let mut command = Cmd::new();
        command
            .arg(name)
            .arg(format!("{}workers", self.layout().prefix()));
        command
    }

    async fn current_offers(&self) -> Result<Vec<WorkerOffer>, AdapterError> {
        let found = self.ask(&self.on_workers("HGETALL")).await?;
        let now = self.now();
        let (mut offers, mut forgotten) = (Vec::new(), Vec::new());
        for (worker, record) in read_fields(found)?.into_pairs() {
            match StoredOffer::read(&record) {
                Some(offer) if offer.expires() + FORGOTTEN_AFTER <= now => forgotten.push(worker),
                Some(offer) if offer.expires() <= now => {}
                Some(offer) => offers.extend(offer.decode()),
                None => {}
            }
        }
        if !forgotten.is_empty() {
            self.forget(&forgotten).await?;
        }
        offers.sort_by(|one: &WorkerOffer, other| one.worker.cmp(&other.worker));
        Ok(offers)
    }

    async fn forget(&self, workers: &[String]) -> Result<(), AdapterError> {
        let mut command = self.on_workers("HDEL");
        command.arg(workers);
        self.ask(&command).await?;
        Ok(())
    }
}
