//! Sends commands and groups of steps, with retries within a deadline.
//!
//! The tasks of a runtime share one connection of it: what they send at the same time travels together, no call pays for a
//! checkout, and on a runtime of one thread no reply wakes another thread.

mod group_queue;
mod group_scripts;
mod runtime_connections;
mod shared_connection;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::Retryable as _;
use deadpool::Runtime;
use deadpool::managed::Pool;
use deadpool_redis::redis::{Cmd, Value};
use parking_lot::RwLock;
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, timeout_at};

use crate::RedisConfig;
use crate::command_error::CommandError;
use crate::connection::Connector;
use crate::layout::Partition;
use crate::step::{Script, Step, StepReply};
use group_queue::{GroupKey, GroupQueue};
use runtime_connections::RuntimeConnections;
use shared_connection::{BACKOFF, SharedConnection};

pub(crate) use group_scripts::GroupScripts;

/// The number of runtimes that make their connections at the same time.
const CONNECTING_MAX: usize = 16;

/// The longest time of a probe: a health check, or what announces and finds workers, must say why it fails before its own
/// deadline.
const PROBE_PATIENCE: Duration = Duration::from_millis(1_500);

/// Says which servers must have stored a change before the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Durability {
    /// The master.
    Master,
    /// As many replicas as the configuration says, too.
    Replicas,
}

/// The connections of all runtimes that use a backend.
pub(crate) struct Transport {
    pool: Pool<Connector>,
    scripts: Arc<GroupScripts>,
    patience: Duration,
    /// The number of replicas that [`Durability::Replicas`] waits for.
    replicas: u32,
    runtimes: RwLock<HashMap<Id, Arc<RuntimeConnections>>>,
}

impl Transport {
    /// Begins to connect the current runtime. Others connect with their first call.
    pub(crate) fn open(
        config: &RedisConfig,
        scripts: Arc<GroupScripts>,
    ) -> Result<Self, CommandError> {
        let transport = Self {
            pool: pool(config)?,
            scripts,
            patience: config.patience,
            replicas: config.replicas,
            runtimes: RwLock::default(),
        };
        drop(transport.of_this_runtime());
        Ok(transport)
    }

    /// Waits until the first attempt to connect the current runtime has ended, and returns its error.
    pub(crate) async fn first_attempt(&self) -> Result<(), CommandError> {
        let runtime = self.of_this_runtime();
        let connection = runtime.connection(Durability::Master);
        connection
            .first_attempt(Instant::now() + self.patience)
            .await
    }

    /// Sends a command, and retries transient errors until the patience ends.
    pub(crate) async fn call(&self, command: &Cmd) -> Result<Value, CommandError> {
        self.call_within(self.patience, Durability::Master, command)
            .await
    }

    /// Sends a command in the same way, with less patience, and so that its change is as durable as a submission.
    pub(crate) async fn probe(&self, command: &Cmd) -> Result<Value, CommandError> {
        self.call_within(self.probe_patience(), Durability::Replicas, command)
            .await
    }

    async fn call_within(
        &self,
        patience: Duration,
        durability: Durability,
        command: &Cmd,
    ) -> Result<Value, CommandError> {
        let runtime = self.of_this_runtime();
        let connection = runtime.connection(durability);
        let attempt = |deadline| async move {
            let mut handle = connection.wait_for_handle(deadline).await?;
            within(deadline, patience, handle.send(command)).await
        };
        retry(patience, attempt).await
    }

    /// Bounds a call as if it had the patience of a probe.
    ///
    /// # Errors
    /// That of the call, or why there is no connection, or that there was no answer.
    pub(crate) async fn within_probe<T, E: From<CommandError>>(
        &self,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let patience = self.probe_patience();
        if let Ok(answer) = tokio::time::timeout(patience, call).await {
            return answer;
        }
        let runtime = self.of_this_runtime();
        let connection = runtime.connection(Durability::Master);
        Err(E::from(match connection.try_handle() {
            Some(_) => CommandError::TimedOut(patience),
            None => connection.last_error(),
        }))
    }

    fn probe_patience(&self) -> Duration {
        self.patience.min(PROBE_PATIENCE)
    }

    /// Sends commands that read keys of one partition, in this order, and retries transient errors of all of them.
    pub(crate) async fn read(&self, commands: &[Cmd]) -> Result<Vec<Value>, CommandError> {
        let runtime = self.of_this_runtime();
        let connection = runtime.connection(Durability::Master);
        let attempt = |deadline| async move {
            let mut handle = connection.wait_for_handle(deadline).await?;
            let reading = handle.send_all(commands.to_vec());
            within(deadline, self.patience, reading).await
        };
        retry(self.patience, attempt).await
    }

    /// Runs a step in a group with others, and retries transient errors until the patience ends.
    pub(crate) async fn run(
        &self,
        partition: Partition,
        script: Script,
        step: &Step,
    ) -> Result<StepReply, CommandError> {
        // Without replicas all steps share the groups of one queue.
        let durability = if step.is_replicated && self.replicas > 0 {
            Durability::Replicas
        } else {
            Durability::Master
        };
        let key = GroupKey {
            partition,
            script,
            durability,
        };
        let runtime = self.of_this_runtime();
        let attempts = AtomicU32::new(0);
        let attempt = |deadline| {
            let is_repeated = attempts.fetch_add(1, Ordering::Relaxed) > 0;
            let (connection, queue) = (runtime.connection(durability), runtime.queue(key));
            async move {
                // The queue itself does not wait for the connection: other steps may be more patient.
                drop(connection.wait_for_handle(deadline).await?);
                let running = run_in_group(&queue, step, is_repeated);
                match within(deadline, self.patience, running).await? {
                    reply if reply.is_unstaged() => Err(CommandError::Unstaged),
                    reply => Ok(reply),
                }
            }
        };
        retry(self.patience, attempt).await
    }

    /// Sends a command to every master, once, with the patience of a probe.
    pub(crate) async fn probe_every_master(
        &self,
        command: &Cmd,
    ) -> Result<Vec<Value>, CommandError> {
        let patience = self.probe_patience();
        let deadline = Instant::now() + patience;
        let runtime = self.of_this_runtime();
        let connection = runtime.connection(Durability::Master);
        let mut handle = connection.wait_for_handle(deadline).await?;
        let sending = async {
            let answers = handle.connection.send_to_every_master(command).await;
            handle.check(answers)
        };
        within(deadline, patience, sending).await
    }

    /// The connections of the runtime that this task runs on.
    fn of_this_runtime(&self) -> Arc<RuntimeConnections> {
        let id = Handle::current().id();
        if let Some(runtime) = self.runtimes.read().get(&id)
            && runtime.is_alive()
        {
            return Arc::clone(runtime);
        }
        let mut runtimes = self.runtimes.write();
        runtimes.retain(|_, runtime| runtime.is_alive());
        let open = || {
            let scripts = Arc::clone(&self.scripts);
            Arc::new(RuntimeConnections::open(&self.pool, self.replicas, scripts))
        };
        Arc::clone(runtimes.entry(id).or_insert_with(open))
    }
}

/// Repeats an attempt after transient errors until the patience ends.
async fn retry<T, F>(
    patience: Duration,
    attempt: impl Fn(Instant) -> F + Send + Sync,
) -> Result<T, CommandError>
where
    F: Future<Output = Result<T, CommandError>> + Send,
{
    let deadline = Instant::now() + patience;
    (|| attempt(deadline))
        .retry(BACKOFF)
        .when(CommandError::is_retryable)
        .adjust(|_, wait| wait.filter(|wait| Instant::now() + *wait < deadline))
        .await
}

/// Waits for an answer until the deadline of a call with this patience. A connection is not to blame for a late one: earlier
/// attempts may have used up the time.
async fn within<T>(
    deadline: Instant,
    patience: Duration,
    answer: impl Future<Output = Result<T, CommandError>> + Send,
) -> Result<T, CommandError> {
    let in_time = timeout_at(deadline, answer).await;
    in_time.unwrap_or(Err(CommandError::TimedOut(patience)))
}

/// Runs a step in a group, and once more by itself if the group fails: the error may be that of another step.
async fn run_in_group(
    queue: &GroupQueue,
    step: &Step,
    is_repeated: bool,
) -> Result<StepReply, CommandError> {
    match queue.run(step, is_repeated).await {
        Err(failure) if failure.is_shared && failure.error.is_refusal() => {
            queue.run_alone(step).await.map_err(|failure| failure.error)
        }
        answer => answer.map_err(|failure| failure.error),
    }
}

fn pool(config: &RedisConfig) -> Result<Pool<Connector>, CommandError> {
    let timeout = config.connect_timeout + config.response_timeout;
    let pool = Pool::builder(Connector::new(config))
        .max_size(CONNECTING_MAX)
        .create_timeout(Some(timeout))
        .wait_timeout(Some(timeout))
        .runtime(Runtime::Tokio1);
    // Building fails only without a runtime.
    pool.build().map_err(|_| CommandError::RuntimeEnded)
}

#[cfg(test)]
pub(crate) mod tests;
