//! Where state is kept.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use coderun_domain::{
    Clock, ExecutionQueue, ExecutionStore, IdGenerator, InputRelay, Notifier, TicketStore,
    WorkerRegistry,
};
use coderun_memory::{LedgerConfig, memory_backend};
use coderun_redb::{RedbBackend, RedbConfig, open_backend};
use coderun_redis::{RedisAddress, RedisBackend, RedisConfig};

use crate::settings::Settings;
use crate::system::RandomIds;

/// The ports over state that all roles share.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) queue: Arc<dyn ExecutionQueue>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) inputs: Arc<dyn InputRelay>,
    pub(crate) tickets: Arc<dyn TicketStore>,
    pub(crate) registry: Arc<dyn WorkerRegistry>,
    /// The store may want ids to say where it keeps what.
    pub(crate) ids: Arc<dyn IdGenerator>,
    /// What is to be closed when nobody uses it any more.
    pub(super) file: Option<RedbBackend>,
}

impl Storage {
    /// Closes what was opened, so that the next process need not check it.
    pub(crate) async fn close(&self) {
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}

/// Makes the storage that the settings ask for.
pub(super) async fn storage(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Storage> {
    match (&settings.redis_url, &settings.data_dir) {
        (Some(url), _) => redis(settings, url.address(), clock).await,
        (None, Some(folder)) => file(settings, folder, clock).await,
        (None, None) => Ok(memory(settings, clock)),
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
        inputs: Arc::new(redis.clone()),
        tickets: Arc::new(redis.clone()),
        ids: redis.ids(Arc::new(RandomIds)),
        registry: Arc::new(redis),
        file: None,
    })
}

async fn file(
    settings: &Settings,
    folder: &Path,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Storage> {
    let config = RedbConfig {
        ledger: ledger_config(settings),
        ..RedbConfig::in_folder(folder, settings.limits.store_policy())
    };
    let file = open_backend(config, Arc::clone(clock))
        .await
        .context("cannot keep state in DATA_DIR")?;
    Ok(Storage {
        store: Arc::new(file.clone()),
        queue: Arc::new(file.clone()),
        notifier: Arc::new(file.clone()),
        inputs: Arc::new(file.clone()),
        tickets: Arc::new(file.clone()),
        registry: Arc::new(file.clone()),
        ids: Arc::new(RandomIds),
        file: Some(file),
    })
}

fn ledger_config(settings: &Settings) -> LedgerConfig {
    LedgerConfig {
        policy: settings.limits.store_policy(),
        final_bytes_max: settings.limits.final_bytes_max.bytes(),
    }
}

fn memory(settings: &Settings, clock: &Arc<dyn Clock>) -> Storage {
    let memory = memory_backend(ledger_config(settings), Arc::clone(clock));
    Storage {
        store: Arc::new(memory.clone()),
        queue: Arc::new(memory.clone()),
        notifier: Arc::new(memory.clone()),
        inputs: Arc::new(memory.clone()),
        tickets: Arc::new(memory.clone()),
        registry: Arc::new(memory),
        ids: Arc::new(RandomIds),
        file: None,
    }
}
