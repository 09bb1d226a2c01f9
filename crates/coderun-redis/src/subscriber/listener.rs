//! Runs the task that connects, subscribes, receives hints and connects again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use coderun_domain::ErrorChain;
use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::{Msg, RedisError, RedisResult};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::hints::Hints;
use crate::command::command;
use crate::command_error::CommandError;
use crate::connect_waits::longer_if_refused;
use crate::connection::Connector;
use crate::feed::Feed;
use crate::transport::Transport;

const MIN_WAIT: Duration = Duration::from_millis(20);
/// The waits between attempts to connect that may soon succeed, before jitter.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(MIN_WAIT)
    .with_max_delay(Duration::from_secs(1))
    .with_jitter()
    .without_max_times();
/// Sends a pulse.
const PUBLISH: &str = "return redis.call('PUBLISH', ARGV[1], '')";
/// After more missed pulses the connection counts as dead.
const MISSED_PULSES_MAX: u32 = 3;

/// The task that listens.
pub(super) struct Listener {
    pub(super) connector: Connector,
    /// The channel for signals to every process.
    pub(super) signals: String,
    /// The channel that only this process subscribes to.
    pub(super) messages: String,
    /// The longest time for connecting, each subscription and each pulse. It is longer than that of one answer, so that
    /// the caller of a hanging shared connection notices first.
    pub(super) timeout: Duration,
    /// The interval between pulses.
    pub(super) pulse_interval: Duration,
    /// The number of pulses that were sent since one was received. A pulse that cannot be sent does not count.
    pub(super) missed_pulses: AtomicU32,
    pub(super) hints: Arc<Hints>,
    pub(super) feed: Arc<Feed>,
    pub(super) transport: Arc<Transport>,
}

impl Listener {
    /// Listens for ever.
    pub(super) async fn listen(self) {
        tokio::join!(self.receive_and_reconnect(), self.send_pulses());
    }

    async fn receive_and_reconnect(&self) {
        let connect = || self.connect();
        loop {
            let connected = connect.retry(BACKOFF).adjust(longer_if_refused());
            let connected = connected.notify(|error, wait| {
                tracing::debug!(
                    error = %ErrorChain(error),
                    retry_in_ms = wait.as_millis(),
                    "cannot subscribe to redis"
                );
            });
            let error = match connected.await {
                Ok(connection) => self.receive(connection).await,
                Err(error) => error,
            };
            tracing::info!(error = %ErrorChain(&error), "lost the subscription to redis, reconnecting");
            // All processes lose their subscriptions at the same time when the server restarts.
            tokio::time::sleep(MIN_WAIT.mul_f64(1.0 + fastrand::f64())).await;
        }
    }

    async fn connect(&self) -> Result<PubSub, CommandError> {
        let mut connection = self.within_timeout(self.connector.connect_pubsub()).await?;
        self.missed_pulses.store(0, Ordering::Relaxed);
        let channels = [&self.signals, &self.messages];
        self.within_timeout(connection.subscribe(&channels[..]))
            .await?;
        self.hints.notify_all();
        self.feed.all_changed();
        Ok(connection)
    }

    /// Receives messages until the connection breaks, and returns the reason.
    async fn receive(&self, mut connection: PubSub) -> CommandError {
        let mut messages = connection.on_message();
        let mut checks = tokio::time::interval(self.pulse_interval);
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.handle(&message),
                    None => return closed(),
                },
                _ = checks.tick() => {
                    if self.missed_pulses.load(Ordering::Relaxed) > MISSED_PULSES_MAX {
                        return CommandError::TimedOut(self.pulse_interval * MISSED_PULSES_MAX);
                    }
                }
            }
        }
    }

    fn handle(&self, message: &Msg) {
        let payload = message.get_payload_bytes();
        if message.get_channel_name() == self.signals {
            self.handle_signal(str::from_utf8(payload).unwrap_or_default());
        } else if payload.is_empty() {
            // This process has sent it to itself.
            self.missed_pulses.store(0, Ordering::Relaxed);
        } else {
            self.feed.receive(payload);
        }
    }

    /// Handles a signal. Others may be those of a newer version.
    fn handle_signal(&self, signal: &str) {
        if signal == "work busy" {
            return self.hints.notify_of_work_of_busy_users();
        }
        let (word, id) = signal.split_once(' ').unwrap_or((signal, ""));
        match (word, id.parse()) {
            ("work", _) => self.hints.notify_of_work(),
            ("cancel", Ok(id)) => self.hints.notify_of_cancellation(id),
            ("changed", Ok(id)) => self.feed.changed(id),
            ("input", Ok(id)) => self.hints.notify_of_input(id),
            (_, Ok(_) | Err(_)) => {}
        }
    }

    async fn within_timeout<T>(
        &self,
        answer: impl Future<Output = RedisResult<T>> + Send,
    ) -> Result<T, CommandError> {
        match timeout(self.timeout, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(CommandError::TimedOut(self.timeout)),
        }
    }

    /// Publishes pulses to this process in the way of all hints: by a script, and on a Cluster each time in another slot,
    /// so that one hanging master does not stop them.
    async fn send_pulses(&self) {
        for number in 0_u64.. {
            tokio::time::sleep(self.pulse_interval).await;
            let slot = format!("{}:{number}", self.messages);
            let publish = command(&["EVAL", PUBLISH, "1", &slot, &self.messages]);
            let published = self.transport.call(&publish);
            let published = timeout(self.timeout, published).await;
            if matches!(published, Ok(Ok(_))) {
                self.missed_pulses.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn closed() -> CommandError {
    RedisError::from(io::Error::from(io::ErrorKind::ConnectionReset)).into()
}
