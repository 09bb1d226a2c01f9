//! Composes a backend: connections and scripts, and over them one part for each port.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::{
    Clock, ErrorChain, ExecutionQueue, ExecutionStore, IdGenerator, InputRelay, Notifier,
    StorePolicy, TicketStore, WorkerRegistry,
};
use coderun_record::duration_micros;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::config::RedisConfig;
use crate::event_pages::EventPages;
use crate::execution_queue::RedisExecutionQueue;
use crate::execution_store::RedisExecutionStore;
use crate::feed::Feed;
use crate::input_relay::RedisInputRelay;
use crate::layout::{Layout, PartitionedIds};
use crate::notifier::RedisNotifier;
use crate::record_reader::RecordReader;
use crate::scripts::Scripts;
use crate::step::encode_values;
use crate::submitting::Submitter;
use crate::subscriber::Subscriber;
use crate::sweep::Sweeper;
use crate::taking::Taker;
use crate::ticket_store::RedisTicketStore;
use crate::transport::{GroupScripts, Transport};
use crate::worker_registry::RedisWorkerRegistry;

/// The number of partitions on a Cluster.
const CLUSTER_PARTITIONS: u16 = 16;

/// The storage ports over one Redis, one set of Sentinels or one Cluster.
///
/// Any number of processes may use the same one. Clones share their connections. `Debug` shows no address.
#[derive(Clone)]
pub struct RedisBackend {
    /// The store.
    pub store: Arc<dyn ExecutionStore>,
    /// The queue over the same records.
    pub queue: Arc<dyn ExecutionQueue>,
    /// The notifier over the same records.
    pub notifier: Arc<dyn Notifier>,
    /// The input of the same executions.
    pub inputs: Arc<dyn InputRelay>,
    /// The tickets for the same executions.
    pub tickets: Arc<dyn TicketStore>,
    /// The registry of the workers that take from the queue.
    pub registry: Arc<dyn WorkerRegistry>,
    layout: Layout,
}

/// The backend cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use redis")]
pub struct ConnectError(#[from] AdapterError);

impl RedisBackend {
    /// Connects, and subscribes to the hints of other processes. Where the server cannot be reached or refuses, the backend goes
    /// on trying, as after an outage, and its calls fail meanwhile.
    ///
    /// # Errors
    /// [`ConnectError`] when the configuration cannot work, or not with the records that the server has.
    pub async fn connect(
        config: RedisConfig,
        policy: StorePolicy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        if config.replicas > 0 && config.address.is_cluster() {
            return Err(AdapterError::ReplicasOfCluster.into());
        }
        let default = if config.address.is_cluster() {
            CLUSTER_PARTITIONS
        } else {
            1
        };
        let layout = Layout::new(&config.key_prefix, config.partitions.unwrap_or(default));
        let process = format!("{:032x}", fastrand::u128(..));
        let scripts = GroupScripts {
            scripts: Scripts::new(),
            layout: layout.clone(),
            clock: Arc::clone(&clock),
            policy: encode_policy(&policy, &process)?,
        };
        let transport = Transport::open(&config, Arc::new(scripts)).map_err(AdapterError::from)?;
        let transport = Arc::new(transport);
        let client = Arc::new(Client::new(layout.clone(), Arc::clone(&transport), clock));
        let feed = Arc::new(Feed::default());
        let (listening, hearing) = (Arc::clone(&transport), Arc::clone(&feed));
        let subscriber = Subscriber::start(&config, &layout, &process, listening, hearing);
        let subscriber = Arc::new(subscriber);
        reach(&config, &transport, &client, &subscriber).await?;
        let records = RecordReader::new(Arc::clone(&client), Arc::clone(&feed));
        let registry = Arc::new(RedisWorkerRegistry(Arc::clone(&client)));
        Ok(Self {
            store: Arc::new(RedisExecutionStore {
                client: Arc::clone(&client),
                records: records.clone(),
                submitter: Submitter::new(Arc::clone(&client)),
                feed: Arc::clone(&feed),
            }),
            queue: Arc::new(RedisExecutionQueue {
                client: Arc::clone(&client),
                taker: Taker::new(Arc::clone(&client), Arc::clone(&subscriber)),
                sweeper: Sweeper::new(Arc::clone(&client), Arc::clone(&registry), policy),
                retention: policy.retention,
                subscriber: Arc::clone(&subscriber),
                feed: Arc::clone(&feed),
            }),
            notifier: Arc::new(RedisNotifier {
                events: Arc::new(EventPages {
                    records,
                    process,
                    interval: config.watch_interval,
                }),
                feed,
            }),
            inputs: Arc::new(RedisInputRelay {
                client: Arc::clone(&client),
                subscriber,
                interval: config.watch_interval,
            }),
            tickets: Arc::new(RedisTicketStore(client)),
            registry,
            layout,
        })
    }

    /// Makes ids that this backend can use: each lies in the partition of its user.
    #[must_use]
    pub fn ids(&self, ids: Arc<dyn IdGenerator>) -> Arc<dyn IdGenerator> {
        Arc::new(PartitionedIds::new(ids, self.layout.clone()))
    }
}

/// Waits for the first connections, as long as nothing fails: the health tells why a server does not work.
async fn reach(
    config: &RedisConfig,
    transport: &Transport,
    client: &Client,
    subscriber: &Subscriber,
) -> Result<(), AdapterError> {
    if transport.first_attempt().await.is_ok() {
        match client.ensure_layout().await {
            Ok(()) => subscriber.connected(config.patience).await,
            Err(error @ AdapterError::Partitions { .. }) => return Err(error),
            Err(error) => {
                tracing::debug!(error = %ErrorChain(&error), "redis does not work yet");
            }
        }
    }
    Ok(())
}

/// The bounds and the name of this process, in the order that `group.lua` reads them.
fn encode_policy(policy: &StorePolicy, process: &str) -> Result<Bytes, AdapterError> {
    encode_values(&(
        duration_micros(policy.retention),
        duration_micros(policy.queue_deadline),
        duration_micros(policy.lease),
        duration_micros(policy.run_grace),
        policy.attempts_max,
        policy.user_running_max,
        policy.pending_max,
        policy.live_bytes_max.as_bytes(),
        policy.user_pending_max,
        policy.user_submits_per_minute,
        process,
    ))
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("partitions", &self.layout.count())
            .finish_non_exhaustive()
    }
}
