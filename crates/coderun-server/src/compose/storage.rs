//! Where state is kept.

use std::sync::Arc;

use anyhow::Context as _;
use coderun_domain::{
    Clock, ExecutionQueue, ExecutionStore, IdGenerator, Notifier, WorkerRegistry,
};
use coderun_memory::{MemoryBackend, MemoryConfig, MemoryRegistry};
use coderun_redis::{RedisAddress, RedisBackend, RedisConfig};

use crate::settings::Settings;
use crate::system::RandomIds;

/// The ports over state that all roles share.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) queue: Arc<dyn ExecutionQueue>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) registry: Arc<dyn WorkerRegistry>,
    /// The store may want ids to say where it keeps what.
    pub(crate) ids: Arc<dyn IdGenerator>,
}

/// Makes the storage that the settings ask for.
pub(super) async fn storage(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Storage> {
    match &settings.redis_url {
        Some(url) => redis(settings, url.address(), clock).await,
        None => Ok(memory(settings, clock)),
    }
}

async fn redis(
    settings: &Settings,
    address: &RedisAddress,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Storage> {
    let config = RedisConfig {
        key_prefix: settings.key_prefix.clone(),
        replicas: settings.redis_wait_replicas,
        ..RedisConfig::new(address.clone())
    };
    let policy = settings.limits.store_policy();
    let redis = RedisBackend::connect(config, policy, Arc::clone(clock))
        .await
        .with_context(|| format!("cannot start with {address} (REDIS_URL)"))?;
    Ok(Storage {
        store: Arc::new(redis.clone()),
        queue: Arc::new(redis.clone()),
        notifier: Arc::new(redis.clone()),
        ids: redis.ids(Arc::new(RandomIds)),
        registry: Arc::new(redis),
    })
}

fn memory(settings: &Settings, clock: &Arc<dyn Clock>) -> Storage {
    let memory = MemoryBackend::with_config(
        settings.limits.store_policy(),
        MemoryConfig {
            final_bytes_max: settings.limits.final_bytes_max.bytes(),
        },
        Arc::clone(clock),
    );
    Storage {
        store: Arc::new(memory.clone()),
        queue: Arc::new(memory.clone()),
        notifier: Arc::new(memory),
        registry: Arc::new(MemoryRegistry::new(Arc::clone(clock))),
        ids: Arc::new(RandomIds),
    }
}
