//! The one type of this crate that others see: connections, layout, scripts and the subscriber, behind every port.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use coderun_domain::{Clock, Execution, ExecutionId, IdGenerator, StorePolicy};
use coderun_record::{Fields, duration_micros, micros};
use coderun_storage_metrics::{StorageError, StorageTimer};
use deadpool_redis::redis::{Cmd, Value};
use tokio::time::Instant;

use crate::adapter_error::{AdapterError, LayoutError};
use crate::config::RedisConfig;
use crate::layout::{Layout, Partition, PartitionedIds};
use crate::record::decode_execution;
use crate::reply::Reply;
use crate::script::{Arguments, Script, Scripts};
use crate::shared_connections::{CallAttempt, SharedConnections};
use crate::subscriber::Subscriber;
use crate::{layout_check, partition_totals};

/// On a Cluster the users are spread over so many partitions.
const CLUSTER_PARTITIONS: u16 = 16;

/// Store, queue, notifier, input relay, ticket store and worker registry over one Redis, one set of Sentinels or one Cluster.
///
/// Any number of processes may use the same one. Clones share their connections. `Debug` shows no address.
#[derive(Clone)]
pub struct RedisBackend {
    shared: Arc<Shared>,
}

struct Shared {
    config: RedisConfig,
    clock: Arc<dyn Clock>,
    policy: StorePolicy,
    /// The policy as every step takes it.
    policy_arguments: String,
    layout: Layout,
    scripts: Scripts,
    lanes: Arc<SharedConnections>,
    /// For steps that others rely upon as soon as they answer.
    lanes_for_good: Arc<SharedConnections>,
    hub: Subscriber,
    elsewhere: partition_totals::Cache,
    taking: TakeState,
    timer: StorageTimer,
}

/// Where the next take begins, and what the last one saw.
#[derive(Debug, Default)]
pub(crate) struct TakeState {
    /// The partition to be asked first.
    pub(crate) partition: AtomicUsize,
    /// The generation of work hints that the last take that found nothing has seen.
    pub(crate) seen: AtomicU64,
    /// How many takes there were.
    pub(crate) tickets: AtomicU64,
    /// Partitions that could not be asked, and until when the others are not made to wait for them.
    pub(crate) resting: Mutex<HashMap<usize, Instant>>,
    /// When this process began, to tell its takes from those of an earlier one.
    pub(crate) epoch: i64,
}

/// Why a backend cannot be used from the start.
#[derive(Debug, thiserror::Error)]
#[error("cannot use redis")]
pub struct ConnectError(#[source] AdapterError);

impl RedisBackend {
    /// Connects, and subscribes to what others tell. It goes on by itself when the server is away for a while.
    ///
    /// # Errors
    /// [`ConnectError`] when the server cannot be reached within the patience of the configuration, refuses, or holds
    /// records in another number of partitions.
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
        let lanes = Arc::new(SharedConnections::open(&config).await?);
        let lanes_for_good = if config.replicas == 0 {
            Arc::clone(&lanes)
        } else if config.address.is_cluster() {
            return Err(LayoutError::ReplicasOfCluster.into());
        } else {
            Arc::new(SharedConnections::open_for_good(&config).await?)
        };
        let partitions = config.partitions.unwrap_or(if config.address.is_cluster() {
            CLUSTER_PARTITIONS
        } else {
            1
        });
        let layout = Layout::new(&config.key_prefix, partitions);
        layout_check::check(&lanes, &layout).await?;
        let hub = Subscriber::start(&config, Arc::clone(&lanes)).await?;
        let shared = Shared {
            policy_arguments: policy_arguments(&policy),
            scripts: Scripts::new(),
            elsewhere: partition_totals::Cache::default(),
            taking: TakeState {
                epoch: micros(clock.now()),
                ..TakeState::default()
            },
            timer: StorageTimer::new("redis"),
            config,
            clock,
            policy,
            layout,
            lanes,
            lanes_for_good,
            hub,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Times the call of a port. `operation` is its name in metrics.
    pub(crate) async fn timed<T, E: StorageError>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.shared.timer.time(operation, call).await
    }

    /// Ids as this backend needs them: each says where the records of its user are.
    #[must_use]
    pub fn ids(&self, ids: Arc<dyn IdGenerator>) -> Arc<dyn IdGenerator> {
        Arc::new(PartitionedIds::new(ids, self.shared.layout.clone()))
    }

    pub(crate) fn config(&self) -> &RedisConfig {
        &self.shared.config
    }

    pub(crate) fn now(&self) -> time::OffsetDateTime {
        self.shared.clock.now()
    }

    pub(crate) fn policy(&self) -> &StorePolicy {
        &self.shared.policy
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    pub(crate) fn scripts(&self) -> &Scripts {
        &self.shared.scripts
    }

    pub(crate) fn lanes(&self) -> &SharedConnections {
        &self.shared.lanes
    }

    pub(crate) fn hub(&self) -> &Subscriber {
        &self.shared.hub
    }

    pub(crate) fn taking(&self) -> &TakeState {
        &self.shared.taking
    }

    pub(crate) fn elsewhere(&self) -> &partition_totals::Cache {
        &self.shared.elsewhere
    }

    /// Runs a step in a partition, again while that helps. Every step may be repeated.
    pub(crate) async fn step(
        &self,
        partition: Partition,
        script: &Script,
        arguments: Arguments<'_>,
    ) -> Result<Value, AdapterError> {
        let make = |attempt| self.step_command(partition, script, &arguments, attempt);
        Ok(self.lanes().ask(make).await?)
    }

    /// Runs a step that others rely upon once it answers: replicas have what it wrote, if the configuration says so.
    pub(crate) async fn step_for_good(
        &self,
        id: ExecutionId,
        script: &Script,
        arguments: Arguments<'_>,
    ) -> Result<Reply, AdapterError> {
        let partition = self.layout().of_execution(id);
        let make = |attempt| self.step_command(partition, script, &arguments, attempt);
        let answer = self.shared.lanes_for_good.ask(make).await?;
        Self::read_reply(id, answer)
    }

    /// Runs a step on one execution, and reads its answer.
    pub(crate) async fn step_on(
        &self,
        id: ExecutionId,
        script: &Script,
        arguments: Arguments<'_>,
    ) -> Result<Reply, AdapterError> {
        let partition = self.layout().of_execution(id);
        Self::read_reply(id, self.step(partition, script, arguments).await?)
    }

    fn read_reply(id: ExecutionId, answer: Value) -> Result<Reply, AdapterError> {
        let reply = Reply::read(answer)?;
        match reply.word() {
            "newer" => Err(AdapterError::Newer(id)),
            _ => Ok(reply),
        }
    }

    /// The command of a step.
    pub(crate) fn step_command(
        &self,
        partition: Partition,
        script: &Script,
        arguments: &Arguments<'_>,
        attempt: CallAttempt,
    ) -> Cmd {
        let layout = self.layout();
        let key = layout.timetable_key(partition);
        let mut command = script.command(attempt.script_is_known, &key);
        command
            .arg(layout.base(partition))
            .arg(layout.prefix())
            .arg(micros(self.now()));
        for argument in self.shared.policy_arguments.split(' ') {
            command.arg(argument);
        }
        arguments.add_to(&mut command);
        command
    }

    /// Sends a command that writes the way that steps go which others rely upon.
    pub(crate) async fn ask_for_good(&self, command: &Cmd) -> Result<Value, AdapterError> {
        Ok(self.shared.lanes_for_good.ask(|_| command.clone()).await?)
    }

    /// Sends a command, again while that helps.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, AdapterError> {
        Ok(self.lanes().ask(|_| command.clone()).await?)
    }
}

/// Refuses an id that was made for nobody or for somebody else.
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

/// Reads a record, if there is one.
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

fn policy_arguments(policy: &StorePolicy) -> String {
    let StorePolicy {
        retention,
        queue_deadline,
        lease,
        run_grace,
        attempts_max,
        user_running_max,
        ..
    } = policy;
    let [retention, queue_deadline, lease, run_grace] =
        [retention, queue_deadline, lease, run_grace].map(|time| duration_micros(*time));
    format!("{retention} {queue_deadline} {lease} {run_grace} {attempts_max} {user_running_max}")
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("partitions", &self.layout().count())
            .finish_non_exhaustive()
    }
}
