//! Defines the backend: connections, layout, scripts and subscriber, which the port implementations share.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::{Clock, ExecutionId, IdGenerator, StorePolicy};
use coderun_record::{duration_micros, micros};
use coderun_storage_metrics::{StorageError, StorageTimer};
use deadpool_redis::redis::{Cmd, Value};

use crate::adapter_error::{AdapterError, LayoutError};
use crate::audit::AuditState;
use crate::config::RedisConfig;
use crate::feed::Feed;
use crate::layout::{Layout, Partition, PartitionedIds};
use crate::layout_check;
use crate::partition_totals::TotalsCache;
use crate::reply::UnexpectedReply;
use crate::scripts::Scripts;
use crate::step::{Script, Step, StepReply, encode};
use crate::subscriber::{Channels, Subscriber};
use crate::take_state::TakeState;
use crate::tokens::Tokens;
use crate::transport::{Durability, GroupScripts, Transport};
use crate::unserved_languages::UnservedLanguages;

/// The number of partitions on a Cluster.
const CLUSTER_PARTITIONS: u16 = 16;

/// Store, queue, notifier, input relay, ticket store and worker registry over one Redis, one set of Sentinels or one Cluster.
///
/// Any number of processes may use the same one. Clones share their connections. `Debug` shows no address.
#[derive(Clone)]
pub struct RedisBackend {
    pub(crate) shared: Arc<Shared>,
}

/// The parts of a backend that its clones share.
pub(crate) struct Shared {
    pub(crate) config: RedisConfig,
    clock: Arc<dyn Clock>,
    pub(crate) policy: StorePolicy,
    pub(crate) layout: Layout,
    pub(crate) transport: Arc<Transport>,
    /// The name by which the scripts know this process.
    pub(crate) process: String,
    pub(crate) feed: Arc<Feed>,
    pub(crate) subscriber: Subscriber,
    pub(crate) totals_cache: TotalsCache,
    pub(crate) take_state: TakeState,
    pub(crate) tokens: Tokens,
    pub(crate) unserved_languages: UnservedLanguages,
    pub(crate) audit_state: AuditState,
    timer: StorageTimer,
}

/// The backend cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use redis")]
pub struct ConnectError(#[source] AdapterError);

impl RedisBackend {
    /// Connects, and subscribes to the hints of other processes. The backend reconnects by itself after an outage.
    ///
    /// # Errors
    /// [`ConnectError`] when the server cannot be reached within the patience of the configuration, when it refuses, and
    /// when its records use another number of partitions.
    pub async fn connect(
        config: RedisConfig,
        policy: StorePolicy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        Self::try_connect(config, policy, clock)
            .await
            .map_err(ConnectError)
    }

    async fn try_connect(
        config: RedisConfig,
        policy: StorePolicy,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AdapterError> {
        if config.replicas > 0 && config.address.is_cluster() {
            return Err(LayoutError::ReplicasOfCluster.into());
        }
        let partitions = config.partitions.unwrap_or(if config.address.is_cluster() {
            CLUSTER_PARTITIONS
        } else {
            1
        });
        let layout = Layout::new(&config.key_prefix, partitions);
        let channels = Channels::new(layout.prefix());
        let process = channels.process().to_owned();
        let scripts = GroupScripts {
            scripts: Scripts::new(),
            layout: layout.clone(),
            clock: Arc::clone(&clock),
            policy: encode_policy(&policy, &process)?,
        };
        let transport = Arc::new(Transport::open(&config, Arc::new(scripts)).await?);
        layout_check::check(&transport, &layout).await?;
        let feed = Arc::new(Feed::default());
        let subscriber =
            Subscriber::start(&config, channels, Arc::clone(&transport), Arc::clone(&feed)).await?;
        let shared = Shared {
            totals_cache: TotalsCache::default(),
            take_state: TakeState::default(),
            tokens: Tokens::new(micros(clock.now())),
            unserved_languages: UnservedLanguages::default(),
            audit_state: AuditState::default(),
            timer: StorageTimer::new("redis"),
            config,
            clock,
            policy,
            layout,
            transport,
            process,
            feed,
            subscriber,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Times the call of a port, and converts its error. `operation` is its name in metrics.
    pub(crate) async fn timed<T, E, F>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, F>> + Send,
    ) -> Result<T, E>
    where
        E: StorageError + From<F>,
    {
        let call = async { Ok(call.await?) };
        self.shared.timer.time(operation, call).await
    }

    /// Counts repairs of indexes.
    pub(crate) fn count_repairs(&self, repaired: u64) {
        self.shared.timer.count_repairs(repaired);
    }

    /// Makes ids that this backend can use: each lies in the partition of its user.
    #[must_use]
    pub fn ids(&self, ids: Arc<dyn IdGenerator>) -> Arc<dyn IdGenerator> {
        Arc::new(PartitionedIds::new(ids, self.shared.layout.clone()))
    }

    pub(crate) fn now(&self) -> time::OffsetDateTime {
        self.shared.clock.now()
    }

    /// Runs a step in a partition. Transient errors are retried, since every step can be repeated.
    pub(crate) async fn run_step(
        &self,
        partition: Partition,
        script: Script,
        step: &Step,
    ) -> Result<StepReply, AdapterError> {
        // The future with all attempts is large.
        let running = Box::pin(self.shared.transport.run(partition, script, step));
        Ok(running.await?)
    }

    /// Runs a step in the partition of an execution.
    pub(crate) async fn run_step_on(
        &self,
        id: ExecutionId,
        script: Script,
        step: &Step,
    ) -> Result<StepReply, AdapterError> {
        let partition = self.shared.layout.of_execution(id);
        self.run_step(partition, script, step).await
    }

    /// Sends a command whose change must be on the configured number of replicas before it returns.
    pub(crate) async fn call_replicated(&self, command: &Cmd) -> Result<Value, AdapterError> {
        let transport = &self.shared.transport;
        Ok(transport.call(Durability::Replicas, command).await?)
    }

    /// Sends a command. Transient errors are retried.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, AdapterError> {
        let transport = &self.shared.transport;
        Ok(transport.call(Durability::Master, command).await?)
    }

    /// Sends commands that read keys of one partition, in this order. On one node they travel together.
    pub(crate) async fn read<const N: usize>(
        &self,
        commands: [Cmd; N],
    ) -> Result<[Value; N], AdapterError> {
        let answers = Box::pin(self.shared.transport.read(&commands)).await?;
        Ok(answers.try_into().map_err(|_| UnexpectedReply)?)
    }
}

/// The bounds and the name of this process, in the order that `group.lua` reads them.
fn encode_policy(policy: &StorePolicy, process: &str) -> Result<Bytes, AdapterError> {
    encode(&(
        duration_micros(policy.retention),
        duration_micros(policy.queue_deadline),
        duration_micros(policy.lease),
        duration_micros(policy.run_grace),
        policy.attempts_max,
        policy.user_running_max,
        policy.pending_max,
        policy.live_bytes_max.as_bytes(),
        policy.user_pending_max,
        policy.user_live_bytes_max().as_bytes(),
        policy.user_submits_per_minute,
        process,
    ))
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("partitions", &self.shared.layout.count())
            .finish_non_exhaustive()
    }
}
