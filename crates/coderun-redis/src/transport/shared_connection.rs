//! Keeps one shared connection open: a task replaces it when it breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use coderun_domain::ErrorChain;
use deadpool::managed::{Object, Pool};
use deadpool_redis::redis::{Cmd, RedisResult, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::command_error::CommandError;
use crate::connect_waits::longer_if_refused;
use crate::connection::{Connection, Connector};

/// A connection to a Cluster reconnects to single nodes by itself. After so many failed calls in a row it is replaced as a
/// whole.
const CLUSTER_FAILURES_MAX: u32 = 64;

/// The waits between attempts to connect that may soon succeed, and between those of a call, before jitter.
pub(super) const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(10))
    .with_max_delay(Duration::from_millis(250))
    .with_jitter()
    .without_max_times();

/// The longest wait for replicas.
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that all callers share, and that is replaced when it breaks.
#[derive(Clone)]
pub(super) struct SharedConnection {
    state: watch::Sender<State>,
    /// The number of replicas that must have stored a change before the call returns.
    replicas: u32,
}

enum State {
    /// The task is making a connection; the last attempt failed with this error.
    Connecting(Option<CommandError>),
    Connected(Arc<Connected>),
}

struct Connected {
    connection: Connection,
    /// The number of calls in a row that failed.
    failures: AtomicU32,
}

/// The use of a shared connection by one call.
pub(super) struct ConnectionHandle {
    pub(super) connection: Connection,
    connected: Arc<Connected>,
    shared: SharedConnection,
}

impl SharedConnection {
    pub(super) fn new(replicas: u32) -> Self {
        Self {
            state: watch::Sender::new(State::Connecting(None)),
            replicas,
        }
    }

    /// Connects, and connects again whenever the connection breaks. Callers only wait, so one connection is made at a time,
    /// for any number of callers.
    pub(super) async fn keep_connected(self, pool: Pool<Connector>) {
        let mut state = self.state.subscribe();
        loop {
            // Attempts to connect never end with an error: their number has no limit.
            let Ok(connection) = self.connect(&pool).await else {
                continue;
            };
            self.state
                .send_replace(State::Connected(Arc::new(Connected {
                    connection,
                    failures: AtomicU32::new(0),
                })));
            // `self` holds a sender, so the wait ends only with a broken connection.
            drop(
                state
                    .wait_for(|state| matches!(state, State::Connecting(_)))
                    .await,
            );
        }
    }

    async fn connect(&self, pool: &Pool<Connector>) -> Result<Connection, CommandError> {
        let connect = || async { Ok(Object::take(pool.get().await?)) };
        connect
            .retry(BACKOFF)
            .adjust(longer_if_refused())
            .notify(|error: &CommandError, wait| {
                tracing::debug!(
                    error = %ErrorChain(error),
                    retry_in_ms = wait.as_millis(),
                    "cannot connect to redis"
                );
                self.state
                    .send_replace(State::Connecting(Some(error.clone())));
            })
            .await
    }

    /// The connection, if it is connected.
    pub(super) fn try_handle(&self) -> Option<ConnectionHandle> {
        match &*self.state.borrow() {
            State::Connected(connected) => Some(self.handle(connected)),
            State::Connecting(_) => None,
        }
    }

    /// Waits for the connection, unless the last attempt to connect failed with a permanent error.
    pub(super) async fn wait_for_handle(
        &self,
        deadline: Instant,
    ) -> Result<ConnectionHandle, CommandError> {
        if let Some(handle) = self.try_handle() {
            return Ok(handle);
        }
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| match state {
            State::Connected(_) => true,
            State::Connecting(error) => error.as_ref().is_some_and(|it| !it.is_retryable()),
        });
        // The sender is part of `self`, so the wait ends only with a change.
        drop(timeout_at(deadline, settled).await);
        self.try_handle().ok_or_else(|| self.last_error())
    }

    /// Waits until the first attempt to connect has ended, and returns its error.
    pub(super) async fn first_attempt(&self, deadline: Instant) -> Result<(), CommandError> {
        let mut state = self.state.subscribe();
        let tried = state.wait_for(|state| !matches!(state, State::Connecting(None)));
        // The sender is part of `self`, so the wait ends only with a change.
        drop(timeout_at(deadline, tried).await);
        match self.try_handle() {
            Some(_) => Ok(()),
            None => Err(self.last_error()),
        }
    }

    /// The error of the last attempt to connect.
    pub(super) fn last_error(&self) -> CommandError {
        let error = match &*self.state.borrow() {
            State::Connecting(error) => error.clone(),
            State::Connected(_) => None,
        };
        error.unwrap_or(CommandError::ConnectTimedOut)
    }

    fn handle(&self, connected: &Arc<Connected>) -> ConnectionHandle {
        ConnectionHandle {
            connection: connected.connection.clone(),
            connected: Arc::clone(connected),
            shared: self.clone(),
        }
    }
}

impl ConnectionHandle {
    /// Sends a command once, and waits until its change is as durable as this connection promises.
    pub(super) async fn send(&mut self, command: &Cmd) -> Result<Value, CommandError> {
        let answer = self.connection.send(command).await;
        let answer = self.check(answer)?;
        self.wait_for_replicas().await?;
        Ok(answer)
    }

    /// Sends commands in this order in the same way, and returns all answers, or the first error.
    pub(super) async fn send_all(
        &mut self,
        commands: Vec<Cmd>,
    ) -> Result<Vec<Value>, CommandError> {
        if let [command] = &commands[..] {
            return Ok(vec![self.send(command).await?]);
        }
        // Boxed, because its state is large and few groups need it.
        let answers = Box::pin(self.connection.send_all(commands)).await;
        let answers = self.check(answers)?;
        self.wait_for_replicas().await?;
        Ok(answers)
    }

    /// Waits until all changes so far are as durable as this connection promises.
    async fn wait_for_replicas(&mut self) -> Result<(), CommandError> {
        let wanted = self.shared.replicas;
        if wanted > 0 {
            let waiting = self
                .connection
                .wait_for_replicas(wanted, REPLICATION_TIMEOUT);
            let reached = waiting.await;
            let reached = self.check(reached)?;
            if reached < wanted {
                return Err(CommandError::NotReplicated { reached, wanted });
            }
        }
        Ok(())
    }

    /// Returns the answer, and discards the connection if the answer shows that it is broken.
    pub(super) fn check<T>(&self, answer: RedisResult<T>) -> Result<T, CommandError> {
        let error = match answer {
            Ok(answer) => {
                self.reset_failures();
                return Ok(answer);
            }
            Err(error) => CommandError::from(error),
        };
        if error.breaks_connection() && self.must_be_replaced() {
            self.discard(&error);
        }
        Err(error)
    }

    /// Writes only on a change: all callers share the counter.
    fn reset_failures(&self) {
        if self.connected.failures.load(Ordering::Relaxed) > 0 {
            self.connected.failures.store(0, Ordering::Relaxed);
        }
    }

    fn must_be_replaced(&self) -> bool {
        match self.connection {
            Connection::Node(_) => true,
            Connection::Cluster(_) => {
                let failures = self.connected.failures.fetch_add(1, Ordering::Relaxed) + 1;
                failures >= CLUSTER_FAILURES_MAX
            }
        }
    }

    /// Makes the task connect again, unless another call has discarded this connection before.
    fn discard(&self, error: &CommandError) {
        let is_discarded = self.shared.state.send_if_modified(|state| {
            let is_this = matches!(state, State::Connected(it) if Arc::ptr_eq(it, &self.connected));
            if is_this {
                *state = State::Connecting(None);
            }
            is_this
        });
        if is_discarded {
            // A call that fails for that says so; others are repeated.
            tracing::debug!(error = %ErrorChain(error), "lost a connection to redis");
        }
    }
}
