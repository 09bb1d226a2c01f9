//! The task that listens: it connects, subscribes, hears and begins again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use coderun_domain::{ErrorChain, ExecutionId};
use deadpool_redis::redis::aio::{PubSubSink, PubSubStream};
use deadpool_redis::redis::{Cmd, Msg};
use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::channel::{Channels, Heard};
use super::interests::Interests;
use crate::connection::Connector;
use crate::fault::Fault;
use crate::lanes::Lanes;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// This process speaks to itself so often, and takes the connection for dead when it did not hear itself three times.
const PULSE_INTERVAL: Duration = Duration::from_secs(2);
/// As many channels go into one command.
const CHANNELS_AT_ONCE: usize = 500;

/// The task that listens.
pub(super) struct Listener {
    pub(super) connector: Connector,
    pub(super) channels: Channels,
    /// How long connecting, and each subscription, may take.
    pub(super) patience: Duration,
    pub(super) interests: Arc<Interests>,
    pub(super) lanes: Arc<Lanes>,
}

impl Listener {
    /// Listens for ever.
    pub(super) async fn listen(self) {
        tokio::join!(self.hear_again_and_again(), self.pulse());
    }

    async fn hear_again_and_again(&self) {
        loop {
            let mut pauses = ExponentialBuilder::default()
                .with_min_delay(FIRST_PAUSE)
                .with_max_delay(LONGEST_PAUSE)
                .with_jitter()
                .without_max_times()
                .build();
            let connection = loop {
                match self.connect().await {
                    Ok(connection) => break connection,
                    Err(fault) => tell_fault(&fault),
                }
                let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
                tokio::time::sleep(pause).await;
            };
            if let Err(fault) = connection.hear(self).await {
                tell_fault(&fault);
            }
        }
    }

    async fn connect(&self) -> Result<Listening, Fault> {
        let listening = self.in_time(self.connector.listen()).await?;
        let (sink, stream) = listening.split();
        let mut listening = Listening {
            sink,
            stream,
            subscribed: HashSet::new(),
            last_pulse: Instant::now(),
        };
        let always = [self.channels.signals(), self.channels.pulse().to_owned()];
        self.in_time(listening.sink.subscribe(&always[..])).await?;
        let watched = self.interests.take_all();
        listening.subscribe(self, &watched).await?;
        self.interests.tell_everybody(&watched);
        Ok(listening)
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = deadpool_redis::redis::RedisResult<T>> + Send,
    ) -> Result<T, Fault> {
        match tokio::time::timeout(self.patience, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Fault::TimedOut(self.patience)),
        }
    }

    /// Says something to itself now and then, the way all others do.
    async fn pulse(&self) {
        let mut publish = Cmd::new();
        publish.arg("PUBLISH").arg(self.channels.pulse()).arg("");
        loop {
            tokio::time::sleep(PULSE_INTERVAL).await;
            if let Err(fault) = self.lanes.ask(|_| publish.clone()).await {
                tracing::debug!(error = %ErrorChain(&fault), "cannot publish");
            }
        }
    }
}

/// A connection that is subscribed to what is of interest.
struct Listening {
    sink: PubSubSink,
    stream: PubSubStream,
    subscribed: HashSet<ExecutionId>,
    last_pulse: Instant,
}

impl Listening {
    /// Hears until the connection breaks.
    async fn hear(mut self, listener: &Listener) -> Result<(), Fault> {
        loop {
            let dead_at = self.last_pulse + PULSE_INTERVAL * 3;
            tokio::select! {
                message = self.stream.next() => match message {
                    Some(message) => self.heed(&message, listener),
                    None => return Ok(()),
                },
                () = listener.interests.changed.notified() => self.settle(listener).await?,
                () = tokio::time::sleep_until(dead_at) => {
                    return Err(Fault::TimedOut(PULSE_INTERVAL * 3));
                }
            }
        }
    }

    fn heed(&mut self, message: &Msg, listener: &Listener) {
        let interests = &listener.interests;
        let channel = message.get_channel_name();
        match listener.channels.read(channel, message.get_payload_bytes()) {
            Heard::Work => interests.tell_work(),
            Heard::Cancel(id) => interests.tell_cancel(id),
            Heard::Event(id) => interests.tell(id),
            Heard::Pulse => self.last_pulse = Instant::now(),
            Heard::Unknown => {}
        }
    }

    /// Subscribes to what is watched, and to nothing else.
    async fn settle(&mut self, listener: &Listener) -> Result<(), Fault> {
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
            listener.interests.tell(*id);
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

    async fn subscribe(&mut self, listener: &Listener, ids: &[ExecutionId]) -> Result<(), Fault> {
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

fn tell_fault(fault: &Fault) {
    tracing::warn!(error = %ErrorChain(fault), "does not hear what others publish, connecting again");
}
