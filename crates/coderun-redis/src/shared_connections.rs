//! Sends commands over a few shared connections, with retries within a deadline.
//!
//! All callers share the connections: commands that are sent at the same time travel together, and no call pays for a
//! checkout. Each connection is replaced when it breaks.

mod reconnecting;

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use backon::Retryable as _;
use deadpool::Runtime;
use deadpool::managed::Pool;
use deadpool_redis::redis::{Cmd, Value};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::RedisConfig;
use crate::command::command;
use crate::command_error::CommandError;
use crate::connection::Connector;
use reconnecting::{BACKOFF, ConnectionHandle, ReconnectingConnection};

/// The longest wait for replicas.
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(1);

/// A few connections that all callers share.
pub(crate) struct SharedConnections {
    all: Vec<ReconnectingConnection>,
    next: AtomicUsize,
    patience: Duration,
    /// The number of replicas that must have stored a change before the call returns.
    replicas: u32,
    /// Ends the tasks that reconnect.
    _open: DropGuard,
}

/// One attempt of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallAttempt {
    /// 0 for the first; a later attempt may repeat a command that has run.
    pub(crate) number: u32,
    /// Whether the server may know the script by its hash.
    pub(crate) script_is_known: bool,
}

impl SharedConnections {
    /// Opens the connections on the current runtime, which has to outlive them: a connection ends with its runtime. The
    /// first connection is made at once, so that a wrong address fails at the start.
    ///
    /// Calls return once so many replicas have stored the change. Later commands on a connection wait for that too, so
    /// calls that only read use connections with 0 replicas.
    pub(crate) async fn open(config: &RedisConfig, replicas: u32) -> Result<Self, CommandError> {
        let pool = pool(config)?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let open_connection = |_| {
            let connection = ReconnectingConnection::default();
            let reconnecting = connection.clone().keep_connected(pool.clone());
            tasks.spawn(stop.clone().run_until_cancelled_owned(reconnecting));
            connection
        };
        let connections = Self {
            all: (0..config.connections.max(1))
                .map(open_connection)
                .collect(),
            next: AtomicUsize::new(0),
            patience: config.patience,
            replicas,
            _open: stop.drop_guard(),
        };
        connections.call(|_| command(&["PING"])).await?;
        Ok(connections)
    }

    /// Sends a command, and retries transient errors until the patience ends. `make` builds the command of an attempt.
    pub(crate) async fn call(
        &self,
        make: impl Fn(CallAttempt) -> Cmd + Send + Sync,
    ) -> Result<Value, CommandError> {
        let deadline = Instant::now() + self.patience;
        let attempts = AtomicU32::new(0);
        let attempt = || async {
            let mut attempt = CallAttempt {
                number: attempts.fetch_add(1, Ordering::Relaxed),
                script_is_known: true,
            };
            match self.send(&make(attempt), deadline).await {
                Err(error) if error.is_unknown_script() => {
                    attempt.script_is_known = false;
                    self.send(&make(attempt), deadline).await
                }
                answer => answer,
            }
        };
        attempt
            .retry(BACKOFF)
            .when(CommandError::is_retryable)
            .adjust(|_, wait| wait.filter(|wait| Instant::now() + *wait < deadline))
            .await
    }

    /// Sends a command to every master, once.
    pub(crate) async fn call_every_master(
        &self,
        command: &Cmd,
    ) -> Result<Vec<Value>, CommandError> {
        let deadline = Instant::now() + self.patience;
        let mut handle = self.handle(deadline).await?;
        let sent = handle.connection.send_to_every_master(command);
        match timeout_at(deadline, sent).await {
            Ok(answer) => handle.check(answer),
            Err(_) => Err(CommandError::TimedOut(self.patience)),
        }
    }

    async fn send(&self, command: &Cmd, deadline: Instant) -> Result<Value, CommandError> {
        let mut handle = self.handle(deadline).await?;
        let sent = async {
            let answer = handle.connection.send(command).await;
            let answer = handle.check(answer)?;
            self.wait_for_replicas(&mut handle).await?;
            Ok(answer)
        };
        // The connection is not to blame when the call runs out of time: earlier attempts may have used it up.
        let in_time = timeout_at(deadline, sent).await;
        in_time.unwrap_or(Err(CommandError::TimedOut(self.patience)))
    }

    async fn wait_for_replicas(&self, handle: &mut ConnectionHandle) -> Result<(), CommandError> {
        let wanted = self.replicas;
        if wanted == 0 {
            return Ok(());
        }
        let waiting = handle
            .connection
            .wait_for_replicas(wanted, REPLICATION_TIMEOUT);
        let reached = waiting.await;
        let reached = handle.check(reached)?;
        if reached < wanted {
            return Err(CommandError::NotReplicated { reached, wanted });
        }
        Ok(())
    }

    /// Uses the connections in turn, and skips those that are not connected while others are.
    async fn handle(&self, deadline: Instant) -> Result<ConnectionHandle, CommandError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        let mut in_turn = self.all.iter().cycle().skip(turn).take(self.all.len());
        if let Some(handle) = in_turn.find_map(ReconnectingConnection::try_handle) {
            return Ok(handle);
        }
        let connection = self.all.get(turn).ok_or(CommandError::RuntimeEnded)?;
        match timeout_at(deadline, connection.wait_for_handle()).await {
            Ok(handle) => handle,
            Err(_) => Err(connection.last_error()),
        }
    }
}

fn pool(config: &RedisConfig) -> Result<Pool<Connector>, CommandError> {
    let timeout = config.connect_timeout + config.response_timeout;
    let pool = Pool::builder(Connector::new(config))
        .max_size(config.connections.max(1))
        .create_timeout(Some(timeout))
        .wait_timeout(Some(timeout))
        .runtime(Runtime::Tokio1);
    // Building fails only without a runtime.
    pool.build().map_err(|_| CommandError::RuntimeEnded)
}

#[cfg(test)]
mod tests;
