//! Implements [`WorkerRegistry`] with one hash that holds the offer of each worker.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{RegistryError, WorkerId, WorkerOffer, WorkerRegistry};
use coderun_record::{StoredOffer, encode_offer};
use deadpool_redis::redis::Cmd;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::reply::{UnexpectedReply, bytes, text};

/// The lifetime of the hash, longer than that of any offer: each offer names its own end.
const TTL: Duration = Duration::from_hours(24);
/// The next reader deletes an offer that ended so long ago.
const DELETED_AFTER: Duration = Duration::from_mins(5);

#[async_trait]
impl WorkerRegistry for RedisBackend {
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        self.timed("announce", self.store_offer(offer, lifetime))
            .await
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        let workers = [worker.as_str().to_owned()];
        self.timed("withdraw", self.delete_offers(&workers)).await
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        self.timed("offers", self.current_offers()).await
    }
}

impl RedisBackend {
    async fn store_offer(
        &self,
        offer: &WorkerOffer,
        lifetime: Duration,
    ) -> Result<(), AdapterError> {
        let record = encode_offer(offer, self.now() + lifetime).map_err(AdapterError::Encode)?;
        let mut set = self.workers_command("HSET");
        self.call(set.arg(offer.worker.as_str()).arg(record))
            .await?;
        let mut expire = self.workers_command("EXPIRE");
        self.call(expire.arg(TTL.as_secs())).await.map(drop)
    }

    /// Returns the current offers, and deletes those that ended long ago.
    pub(crate) async fn current_offers(&self) -> Result<Vec<WorkerOffer>, AdapterError> {
        let found = self.call(&self.workers_command("HGETALL")).await?;
        let now = self.now();
        let (mut offers, mut expired) = (Vec::new(), Vec::new());
        for (worker, record) in found.into_map_iter().map_err(|_| UnexpectedReply)? {
            let (worker, record) = (text(worker)?, bytes(record)?);
            match StoredOffer::read(&record) {
                Some(offer) if offer.expires() + DELETED_AFTER <= now => expired.push(worker),
                Some(offer) if offer.expires() <= now => {}
                Some(offer) => offers.extend(offer.decode()),
                None => {}
            }
        }
        if !expired.is_empty() {
            self.delete_offers(&expired).await?;
        }
        offers.sort_by(|one: &WorkerOffer, other| one.worker.cmp(&other.worker));
        Ok(offers)
    }

    fn workers_command(&self, name: &str) -> Cmd {
        command(&[name, &format!("{}workers", self.shared.layout.prefix())])
    }

    async fn delete_offers(&self, workers: &[String]) -> Result<(), AdapterError> {
        let mut command = self.workers_command("HDEL");
        self.call(command.arg(workers)).await.map(drop)
    }
}
