//! The task that listens: it connects, subscribes, hears and begins again.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
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

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The connection is taken for dead when so many pulses were sent and none was heard.
const UNHEARD_MAX: u32 = 3;
/// As many channels go into one command.
const CHANNELS_AT_ONCE: usize = 500;

/// The task that listens.
pub(super) struct Listener {
    pub(super) connector: Connector,
    pub(super) channels: Channels,
    /// How long connecting, each subscription and each pulse may take: longer than one answer, so that a connection
    /// that hangs is found out by whoever waits for it.
    pub(super) patience: Duration,
    /// How often this process speaks to itself.
    pub(super) pulse_interval: Duration,
    /// How many pulses were sent since one was heard. One that cannot be sent says nothing about this connection.
    pub(super) unheard: AtomicU32,
    pub(super) interests: Arc<Subscriptions>,
    pub(super) lanes: Arc<SharedConnections>,
}

impl Listener {
    /// Listens for ever.
    pub(super) async fn listen(self) {
        tokio::join!(self.hear_again_and_again(), self.pulse());
    }

    async fn hear_again_and_again(&self) {
        loop {
            let connection = self.connect_at_last().await;
            let fault = connection.hear(self).await;
            tracing::warn!(error = %ErrorChain(&fault), "does not hear what others publish, connecting again");
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }

    /// Connects, however long that takes.
    async fn connect_at_last(&self) -> Listening {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        loop {
            match self.connect().await {
                Ok(connection) => return connection,
                Err(fault) => {
                    tracing::debug!(error = %ErrorChain(&fault), "still hears nothing");
                }
            }
            tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    async fn connect(&self) -> Result<Listening, CommandError> {
        let listening = self.in_time(self.connector.listen()).await?;
        let (sink, stream) = listening.split();
        let mut listening = Listening {
            sink,
            stream,
            subscribed: HashSet::new(),
        };
        self.unheard.store(0, Ordering::Relaxed);
        let always = [self.channels.signals(), self.channels.pulse().to_owned()];
        self.in_time(listening.sink.subscribe(&always[..])).await?;
        let watched = self.interests.take_all();
        listening.subscribe(self, &watched).await?;
        self.interests.tell_everybody(&watched);
        Ok(listening)
    }

    fn heed(&self, message: &Msg) {
        let interests = &self.interests;
        let channel = message.get_channel_name();
        match self.channels.read(channel, message.get_payload_bytes()) {
            Message::Work => interests.tell_work(),
            Message::Cancel(id) => interests.tell_cancel(id),
            Message::Event(id) => interests.tell(id, Topic::Events),
            Message::Input(id) => interests.tell(id, Topic::Input),
            Message::Pulse => self.unheard.store(0, Ordering::Relaxed),
            Message::Unknown => {}
        }
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = RedisResult<T>> + Send,
    ) -> Result<T, CommandError> {
        match timeout(self.patience, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(CommandError::TimedOut(self.patience)),
        }
    }

    /// Says something to itself now and then, the way all others do: by a script, and on a Cluster each time in another
    /// slot, so that it does not hang on one master.
    async fn pulse(&self) {
        for number in 0_u64.. {
            tokio::time::sleep(self.pulse_interval).await;
            let publish = |_| self.channels.publish_pulse(number);
            let published = timeout(self.patience, self.lanes.ask(publish)).await;
            if matches!(published, Ok(Ok(_))) {
                self.unheard.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A connection that is subscribed to what is of interest.
struct Listening {
    sink: PubSubSink,
    stream: PubSubStream,
    subscribed: HashSet<ExecutionId>,
}

impl Listening {
    /// Hears until the connection breaks, and tells why it did.
    async fn hear(mut self, listener: &Listener) -> CommandError {
        let mut checks = tokio::time::interval(listener.pulse_interval);
        loop {
            tokio::select! {
                message = self.stream.next() => match message {
                    Some(message) => listener.heed(&message),
                    None => return closed(),
                },
                () = listener.interests.changed.notified() => {
                    if let Err(fault) = self.settle(listener).await {
                        return fault;
                    }
                }
                _ = checks.tick() => {
                    if listener.unheard.load(Ordering::Relaxed) > UNHEARD_MAX {
                        return CommandError::TimedOut(listener.pulse_interval * UNHEARD_MAX);
                    }
                }
            }
        }
    }

    /// Subscribes to what is watched, and to nothing else.
    async fn settle(&mut self, listener: &Listener) -> Result<(), CommandError> {
        let unsettled = listener.interests.take_unsettled();
        let (begun, ceased): (Vec<_>, Vec<_>) = unsettled
            .into_iter()
            .partition(|(_, is_watched)| *is_watched);
        let (begun, stands): (Vec<_>, Vec<_>) = begun
            .into_iter()
            .map(|(id, _)| id)
            .partition(|id| !self.subscribed.contains(id));
        self.subscribe(listener, &begun).await?;
        for id in begun.iter().chain(&stands) {
            listener.interests.tell_standing(*id);
        }
        let ceased: Vec<_> = ceased
            .into_iter()
            .map(|(id, _)| id)
            .filter(|id| self.subscribed.remove(id))
            .collect();
        for ids in ceased.chunks(CHANNELS_AT_ONCE) {
            let names = names(listener, ids);
            listener.in_time(self.sink.unsubscribe(&names)).await?;
        }
        Ok(())
    }

    async fn subscribe(
        &mut self,
        listener: &Listener,
        ids: &[ExecutionId],
    ) -> Result<(), CommandError> {
        for ids in ids.chunks(CHANNELS_AT_ONCE) {
            let names = names(listener, ids);
            listener.in_time(self.sink.subscribe(&names)).await?;
            self.subscribed.extend(ids);
        }
        Ok(())
    }
}

fn names(listener: &Listener, ids: &[ExecutionId]) -> Vec<String> {
    ids.iter().map(|id| listener.channels.events(*id)).collect()
}

fn closed() -> CommandError {
    RedisError::from(io::Error::from(io::ErrorKind::ConnectionReset)).into()
}
