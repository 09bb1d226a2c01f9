//! Builds the storage: in Redis, in a file, or in memory.

use std::sync::Arc;

use anyhow::Context as _;
use coderun_domain::{
    Clock, ExecutionQueue, ExecutionStore, IdGenerator, InputRelay, Notifier, TicketStore,
    WorkerRegistry,
};
use coderun_memory::{LedgerConfig, memory_backend};
use coderun_redb::{RedbBackend, RedbConfig, open_backend};
use coderun_redis::{RedisBackend, RedisConfig};

use crate::settings::Settings;
use crate::system::RandomIds;

/// The ports over the state that all roles share.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) queue: Arc<dyn ExecutionQueue>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) inputs: Arc<dyn InputRelay>,
    pub(crate) tickets: Arc<dyn TicketStore>,
    pub(crate) registry: Arc<dyn WorkerRegistry>,
    /// Belongs to the storage: Redis draws ids that name their partition.
    pub(crate) ids: Arc<dyn IdGenerator>,
    pub(super) file: Option<RedbBackend>,
}

impl Storage {
    /// Connects to the backend that the settings choose, or opens it.
    pub(super) async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let policy = settings.store_policy();
        let ledger = LedgerConfig {
            policy,
            final_bytes_max: settings.limits.final_bytes_max,
        };
        let ids = Arc::new(RandomIds);
        match (&settings.redis_url, &settings.data_dir) {
            (Some(address), _) => {
                let config = RedisConfig {
                    key_prefix: settings.key_prefix.clone(),
                    replicas: settings.redis_wait_replicas,
                    ..RedisConfig::new(address.clone())
                };
                let redis = RedisBackend::connect(config, policy, clock).await;
                let redis =
                    redis.with_context(|| format!("cannot start with {address} (REDIS_URL)"))?;
                Ok(Self {
                    ids: redis.ids(ids),
                    store: redis.store,
                    queue: redis.queue,
                    notifier: redis.notifier,
                    inputs: redis.inputs,
                    tickets: redis.tickets,
                    registry: redis.registry,
                    file: None,
                })
            }
            (None, Some(folder)) => {
                let config = RedbConfig {
                    ledger,
                    ..RedbConfig::in_folder(folder, policy)
                };
                let file = open_backend(config, clock).await;
                let file = file.context("cannot keep state in DATA_DIR")?;
                Ok(Self {
                    file: Some(file.clone()),
                    ..Self::over(file, ids)
                })
            }
            (None, None) => Ok(Self::over(memory_backend(ledger, clock), ids)),
        }
    }

    fn over<B>(backend: B, ids: Arc<dyn IdGenerator>) -> Self
    where
        B: ExecutionStore + ExecutionQueue + Notifier + InputRelay + TicketStore + WorkerRegistry,
    {
        let backend = Arc::new(backend);
        Self {
            store: Arc::<B>::clone(&backend),
            queue: Arc::<B>::clone(&backend),
            notifier: Arc::<B>::clone(&backend),
            inputs: Arc::<B>::clone(&backend),
            tickets: Arc::<B>::clone(&backend),
            registry: backend,
            ids,
            file: None,
        }
    }

    /// Closes the file, so that the next process need not check it.
    pub(crate) async fn close(&self) {
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}
