//! Implements [`WorkerRegistry`] with one hash that holds the offer of each worker.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{RegistryError, WorkerId, WorkerOffer, WorkerRegistry};
use coderun_record::{StoredOffer, encode_offer};
use deadpool_redis::redis::{Cmd, ToRedisArgs};

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::reply::{UnexpectedReply, bytes, text};
use crate::unserved_languages::OfferedLanguages;

/// The lifetime of the hash, longer than that of any offer: each offer names its own end.
const TTL: Duration = Duration::from_hours(24);
/// The next reader deletes an offer that ended so long ago.
const DELETED_AFTER: Duration = Duration::from_mins(5);

/// The worker registry of a backend.
#[derive(Debug)]
pub(crate) struct RedisWorkerRegistry(pub(crate) Arc<Client>);

#[async_trait]
impl WorkerRegistry for RedisWorkerRegistry {
    async fn announce(&self, offer: &WorkerOffer, lifetime: Duration) -> Result<(), RegistryError> {
        let announcing = async {
            let record = encode_offer(offer, self.0.now() + lifetime);
            let record = record.map_err(AdapterError::Encode)?;
            let mut set = self.command("HSET");
            self.0
                .call(set.arg(offer.worker.as_str()).arg(record))
                .await?;
            let mut expire = self.command("EXPIRE");
            self.0.call(expire.arg(TTL.as_secs())).await.map(drop)
        };
        let announcing = self.0.transport.within_probe(announcing);
        self.0.timed("announce", announcing).await
    }

    async fn withdraw(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        self.0
            .timed("withdraw", self.delete(&[worker.as_str()]))
            .await
    }

    async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
        let reading = self.0.transport.within_probe(self.current_offers());
        self.0.timed("offers", reading).await
    }
}

impl RedisWorkerRegistry {
    /// The languages that workers offer now.
    pub(crate) async fn offered_languages(&self) -> Result<OfferedLanguages, AdapterError> {
        let offers = self.current_offers().await?;
        let languages = offers.into_iter().flat_map(|offer| offer.languages);
        Ok(languages
            .map(|spec| spec.language.as_str().to_owned())
            .collect())
    }

    /// Returns the current offers, and deletes those that ended long ago.
    async fn current_offers(&self) -> Result<Vec<WorkerOffer>, AdapterError> {
        let found = self.0.call(&self.command("HGETALL")).await?;
        let now = self.0.now();
        let (mut offers, mut expired) = (Vec::new(), Vec::new());
        for (worker, record) in found.into_map_iter().map_err(|_| UnexpectedReply)? {
            let record = bytes(record)?;
            let Some(offer) = StoredOffer::read(&record) else {
                continue;
            };
            if offer.expires() > now {
                offers.extend(offer.decode());
            } else if offer.expires() + DELETED_AFTER <= now {
                expired.push(text(worker)?);
            }
        }
        if !expired.is_empty() {
            self.delete(&expired).await?;
        }
        offers.sort_by(|one: &WorkerOffer, other| one.worker.cmp(&other.worker));
        Ok(offers)
    }

    async fn delete(&self, workers: &[impl ToRedisArgs + Sync]) -> Result<(), AdapterError> {
        let mut delete = self.command("HDEL");
        self.0.call(delete.arg(workers)).await.map(drop)
    }

    fn command(&self, name: &str) -> Cmd {
        command(&[name, &format!("{}workers", self.0.layout.prefix())])
    }
}
