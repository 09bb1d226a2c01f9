//! Runs the task that connects, subscribes, receives hints and connects again.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use coderun_domain::{ErrorChain, ExecutionId};
use deadpool_redis::redis::aio::{PubSubSink, PubSubStream};
use deadpool_redis::redis::{Msg, RedisError, RedisResult};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::channels::{Channels, Message};
use super::subscriptions::{Subscriptions, Topic};
use crate::command_error::CommandError;
use crate::connection::Connector;
use crate::shared_connections::SharedConnections;

const MIN_WAIT: Duration = Duration::from_millis(20);
/// The waits between attempts to connect, before jitter.
const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(MIN_WAIT)
    .with_max_delay(Duration::from_secs(1))
    .with_jitter()
    .without_max_times();
/// After more missed pulses the connection counts as dead.
const MISSED_PULSES_MAX: u32 = 3;
/// The number of channels in one command.
const CHANNELS_PER_COMMAND: usize = 500;

/// The task that listens.
pub(super) struct Listener {
    pub(super) connector: Connector,
    pub(super) channels: Channels,
    /// The longest time for connecting, each subscription and each pulse. It is longer than that of one answer, so that
    /// the caller of a hanging shared connection notices first.
    pub(super) timeout: Duration,
    /// The interval between pulses.
    pub(super) pulse_interval: Duration,
    /// The number of pulses that were sent since one was received. A pulse that cannot be sent does not count.
    pub(super) missed_pulses: AtomicU32,
    pub(super) subscriptions: Arc<Subscriptions>,
    pub(super) connections: Arc<SharedConnections>,
}

impl Listener {
    /// Listens for ever.
    pub(super) async fn listen(self) {
        tokio::join!(self.receive_and_reconnect(), self.send_pulses());
    }

    async fn receive_and_reconnect(&self) {
        let connect = || self.connect();
        loop {
            let connected = connect.retry(BACKOFF).notify(|error, wait| {
                tracing::debug!(
                    error = %ErrorChain(error),
                    retry_in_ms = wait.as_millis(),
                    "cannot subscribe to redis"
                );
            });
            let error = match connected.await {
                Ok(connection) => connection.receive().await,
                Err(error) => error,
            };
            tracing::warn!(error = %ErrorChain(&error), "lost the subscription to redis, reconnecting");
            // All processes lose their subscriptions at the same time when the server restarts.
            tokio::time::sleep(MIN_WAIT.mul_f64(1.0 + fastrand::f64())).await;
        }
    }

    async fn connect(&self) -> Result<PubSubConnection<'_>, CommandError> {
        let pubsub = self.within_timeout(self.connector.connect_pubsub()).await?;
        let (sink, stream) = pubsub.split();
        let mut connection = PubSubConnection {
            listener: self,
            sink,
            stream,
            subscribed: HashSet::new(),
        };
        self.missed_pulses.store(0, Ordering::Relaxed);
        let always = [self.channels.signals(), self.channels.pulse().to_owned()];
        let subscribing = connection.sink.subscribe(&always[..]);
        self.within_timeout(subscribing).await?;
        let subscribed = self.subscriptions.take_all();
        connection.subscribe(&subscribed).await?;
        self.subscriptions.notify_all(&subscribed);
        Ok(connection)
    }

    fn handle(&self, message: &Msg) {
        let subscriptions = &self.subscriptions;
        let (channel, payload) = (message.get_channel_name(), message.get_payload_bytes());
        match self.channels.decode(channel, payload) {
            Message::Work => subscriptions.notify_of_work(),
            Message::Cancellation(id) => subscriptions.notify_of_cancellation(id),
            Message::Events(id) => subscriptions.notify(id, Topic::Events),
            Message::Input(id) => subscriptions.notify(id, Topic::Input),
            Message::Pulse => self.missed_pulses.store(0, Ordering::Relaxed),
            Message::Unknown => {}
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
            let publish = |_| self.channels.publish_pulse(number);
            let published = timeout(self.timeout, self.connections.call(publish)).await;
            if matches!(published, Ok(Ok(_))) {
                self.missed_pulses.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A connection with its subscriptions.
struct PubSubConnection<'a> {
    listener: &'a Listener,
    sink: PubSubSink,
    stream: PubSubStream,
    subscribed: HashSet<ExecutionId>,
}

impl PubSubConnection<'_> {
    /// Receives hints until the connection breaks, and returns the reason.
    async fn receive(mut self) -> CommandError {
        let mut checks = tokio::time::interval(self.listener.pulse_interval);
        loop {
            tokio::select! {
                message = self.stream.next() => match message {
                    Some(message) => self.listener.handle(&message),
                    None => return closed(),
                },
                () = self.listener.subscriptions.changed.notified() => {
                    if let Err(error) = self.settle().await {
                        return error;
                    }
                }
                _ = checks.tick() => {
                    if self.listener.missed_pulses.load(Ordering::Relaxed) > MISSED_PULSES_MAX {
                        return CommandError::TimedOut(self.listener.pulse_interval * MISSED_PULSES_MAX);
                    }
                }
            }
        }
    }

    /// Subscribes to the channels of executions with subscribers, and leaves the others.
    async fn settle(&mut self) -> Result<(), CommandError> {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let mut active = Vec::new();
        for (id, has_subscribers) in self.listener.subscriptions.take_unsettled() {
            match (has_subscribers, self.subscribed.contains(&id)) {
                (true, true) => active.push(id),
                (true, false) => added.push(id),
                (false, true) => removed.push(id),
                (false, false) => {}
            }
        }
        self.subscribe(&added).await?;
        for id in added.iter().chain(&active) {
            self.listener.subscriptions.activate(*id);
        }
        self.unsubscribe(&removed).await
    }

    async fn subscribe(&mut self, ids: &[ExecutionId]) -> Result<(), CommandError> {
        for ids in ids.chunks(CHANNELS_PER_COMMAND) {
            let channels = self.channels(ids);
            let subscribing = self.sink.subscribe(&channels);
            self.listener.within_timeout(subscribing).await?;
            self.subscribed.extend(ids);
        }
        Ok(())
    }

    async fn unsubscribe(&mut self, ids: &[ExecutionId]) -> Result<(), CommandError> {
        for ids in ids.chunks(CHANNELS_PER_COMMAND) {
            for id in ids {
                self.subscribed.remove(id);
            }
            let channels = self.channels(ids);
            let unsubscribing = self.sink.unsubscribe(&channels);
            self.listener.within_timeout(unsubscribing).await?;
        }
        Ok(())
    }

    fn channels(&self, ids: &[ExecutionId]) -> Vec<String> {
        let names = ids.iter().map(|id| self.listener.channels.events(*id));
        names.collect()
    }
}

fn closed() -> CommandError {
    RedisError::from(io::Error::from(io::ErrorKind::ConnectionReset)).into()
}
