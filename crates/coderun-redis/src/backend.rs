//! Defines the backend: connections, layout, scripts and subscriber, which the port implementations share.

use std::fmt;
use std::sync::Arc;

use coderun_domain::{Clock, Execution, ExecutionId, IdGenerator, StorePolicy};
use coderun_record::{Fields, duration_micros, micros};
use coderun_storage_metrics::{StorageError, StorageTimer};
use deadpool_redis::redis::{Cmd, Value};

use crate::adapter_error::{AdapterError, LayoutError};
use crate::config::RedisConfig;
use crate::layout::{Layout, Partition, PartitionedIds};
use crate::layout_check;
use crate::partition_totals::TotalsCache;
use crate::record::decode_execution;
use crate::reply::Reply;
use crate::script::{Arguments, Script, Scripts};
use crate::shared_connections::{CallAttempt, SharedConnections};
use crate::subscriber::Subscriber;
use crate::take_state::TakeState;

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
    /// The policy in the form that every step takes.
    policy_arguments: [i64; 6],
    pub(crate) layout: Layout,
    pub(crate) scripts: Scripts,
    pub(crate) connections: Arc<SharedConnections>,
    /// For steps whose changes must be on replicas before they return.
    replicated_connections: Arc<SharedConnections>,
    pub(crate) subscriber: Subscriber,
    pub(crate) totals_cache: TotalsCache,
    pub(crate) take_state: TakeState,
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
        let connections = Arc::new(SharedConnections::open(&config, 0).await?);
        let replicated_connections = if config.replicas == 0 {
            Arc::clone(&connections)
        } else if config.address.is_cluster() {
            return Err(LayoutError::ReplicasOfCluster.into());
        } else {
            Arc::new(SharedConnections::open(&config, config.replicas).await?)
        };
        let partitions = config.partitions.unwrap_or(if config.address.is_cluster() {
            CLUSTER_PARTITIONS
        } else {
            1
        });
        let layout = Layout::new(&config.key_prefix, partitions);
        layout_check::check(&connections, &layout).await?;
        let subscriber = Subscriber::start(&config, Arc::clone(&connections)).await?;
        let shared = Shared {
            policy_arguments: policy_arguments(&policy),
            scripts: Scripts::new(),
            totals_cache: TotalsCache::default(),
            take_state: TakeState::new(micros(clock.now())),
            timer: StorageTimer::new("redis"),
            config,
            clock,
            policy,
            layout,
            connections,
            replicated_connections,
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
        script: &Script,
        arguments: Arguments<'_>,
    ) -> Result<Value, AdapterError> {
        let make = |attempt| self.step_command(partition, script, &arguments, attempt);
        Ok(self.shared.connections.call(make).await?)
    }

    /// Runs a step whose changes must be on the configured number of replicas before it returns.
    pub(crate) async fn run_replicated_step(
        &self,
        id: ExecutionId,
        script: &Script,
        arguments: Arguments<'_>,
    ) -> Result<Reply, AdapterError> {
        let partition = self.shared.layout.of_execution(id);
        let make = |attempt| self.step_command(partition, script, &arguments, attempt);
        let answer = self.shared.replicated_connections.call(make).await?;
        Self::read_reply(id, answer)
    }

    /// Runs a step on one execution, and reads its reply.
    pub(crate) async fn run_step_on(
        &self,
        id: ExecutionId,
        script: &Script,
        arguments: Arguments<'_>,
    ) -> Result<Reply, AdapterError> {
        let partition = self.shared.layout.of_execution(id);
        Self::read_reply(id, self.run_step(partition, script, arguments).await?)
    }

    fn read_reply(id: ExecutionId, answer: Value) -> Result<Reply, AdapterError> {
        let reply = Reply::read(answer)?;
        match reply.word() {
            "newer" => Err(AdapterError::NewerRecord(id)),
            _ => Ok(reply),
        }
    }

    /// Builds the command of a step.
    pub(crate) fn step_command(
        &self,
        partition: Partition,
        script: &Script,
        arguments: &Arguments<'_>,
        attempt: CallAttempt,
    ) -> Cmd {
        let layout = &self.shared.layout;
        let key = layout.timetable_key(partition);
        let mut command = script.command(attempt.script_is_known, &key);
        command
            .arg(layout.base(partition))
            .arg(layout.prefix())
            .arg(micros(self.now()))
            .arg(&self.shared.policy_arguments);
        arguments.add_to(&mut command);
        command
    }

    /// Sends a command whose change must be on the configured number of replicas before it returns.
    pub(crate) async fn call_replicated(&self, command: &Cmd) -> Result<Value, AdapterError> {
        let connections = &self.shared.replicated_connections;
        Ok(connections.call(|_| command.clone()).await?)
    }

    /// Sends a command. Transient errors are retried.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, AdapterError> {
        Ok(self.shared.connections.call(|_| command.clone()).await?)
    }
}

/// The partition of an execution, if its id was made for its user.
pub(crate) fn partition_of(
    layout: &Layout,
    execution: &Execution,
) -> Result<Partition, AdapterError> {
    let partition = layout.of_execution(execution.id());
    if partition == layout.of_user(execution.submission().user()) {
        Ok(partition)
    } else {
        Err(LayoutError::ForeignId.into())
    }
}

/// Decodes a record; `None` if there is none.
pub(crate) fn read_execution(
    id: ExecutionId,
    fields: Fields,
) -> Result<Option<Execution>, AdapterError> {
    if fields.is_empty() {
        return Ok(None);
    }
    decode_execution(id, fields)
        .map(Some)
        .map_err(|error| AdapterError::of_record(id, error))
}

fn policy_arguments(policy: &StorePolicy) -> [i64; 6] {
    [
        duration_micros(policy.retention),
        duration_micros(policy.queue_deadline),
        duration_micros(policy.lease),
        duration_micros(policy.run_grace),
        policy.attempts_max.into(),
        policy.user_running_max.into(),
    ]
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("partitions", &self.shared.layout.count())
            .finish_non_exhaustive()
    }
}
