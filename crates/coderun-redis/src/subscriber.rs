//! The one connection that listens, and those who wait for what it hears.
//!
//! What is published is only a hint that there is something to read. Whenever the connection is new, everybody is woken,
//! because nobody knows what was missed.

mod channels;
mod listener;
mod subscriptions;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use coderun_domain::ExecutionId;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::RedisConfig;
use crate::command_error::CommandError;
use crate::connection::Connector;
use crate::shared_connections::SharedConnections;
use channels::Channels;
use listener::Listener;
use subscriptions::{Cancels, Subscriptions, Topic};

/// The longest that a watcher waits for its subscription; after it, the watcher looks for news by itself.
const STANDING_PATIENCE: Duration = Duration::from_secs(1);

/// This process speaks to itself at least so often, to know whether it still hears.
const PULSE_INTERVAL_MAX: Duration = Duration::from_secs(2);

/// A cancellation that was passed on already may be one of an earlier execution with the same id: whoever asks again and
/// again is slowed down.
const PAUSE_BEFORE_REPETITION: Duration = Duration::from_secs(1);

/// Hears what others publish, and wakes whoever waits for it.
pub(crate) struct Subscriber {
    interests: Arc<Subscriptions>,
    _listening: DropGuard,
}

impl Subscriber {
    /// Listens from now on, on the present runtime, until the hub is dropped.
    pub(crate) async fn start(
        config: &RedisConfig,
        lanes: Arc<SharedConnections>,
    ) -> Result<Self, CommandError> {
        let interests = Arc::new(Subscriptions::default());
        let stop = CancellationToken::new();
        let listener = Listener {
            connector: Connector::new(config),
            channels: Channels::new(config),
            patience: config.connect_timeout + config.response_timeout,
            pulse_interval: PULSE_INTERVAL_MAX.min(config.watch_interval),
            unheard: AtomicU32::new(0),
            interests: Arc::clone(&interests),
            lanes,
        };
        let mut stands = interests.work.subscribe();
        let tasks = TaskTracker::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(listener.listen()));
        tasks.close();
        let hub = Self {
            interests,
            _listening: stop.drop_guard(),
        };
        match tokio::time::timeout(config.patience, stands.changed()).await {
            Ok(Ok(())) => Ok(hub),
            Ok(Err(_)) => Err(CommandError::Ended),
            Err(_) => Err(CommandError::TimedOut(config.patience)),
        }
    }

    /// Grows whenever there may be something to be taken.
    pub(crate) fn work_generation(&self) -> u64 {
        *self.interests.work.borrow()
    }

    /// Waits until the generation is another one than this, and answers it. Cancel-safe.
    pub(crate) async fn work_beyond(&self, seen: u64) -> u64 {
        let mut work = self.interests.work.subscribe();
        // The sender lives as long as the hub, so this ends only with a change.
        let changed = work.wait_for(|generation| *generation != seen).await;
        changed.map_or(seen, |generation| *generation)
    }

    /// Waits until the owner of this execution wants it stopped, also if that was told shortly before, or until it may
    /// have been told while nobody listened. Cancel-safe.
    pub(crate) async fn cancelled(&self, id: ExecutionId) {
        let mut news = self.interests.cancels.subscribe();
        let lost = news.borrow_and_update().lost;
        let is_told = |cancels: &Cancels| cancels.lost != lost || cancels.has(id);
        let told = news.wait_for(is_told).await;
        let is_lost = told.is_ok_and(|cancels| cancels.lost != lost);
        if !is_lost && self.interests.pass_on_cancel(id) {
            tokio::time::sleep(PAUSE_BEFORE_REPETITION).await;
        }
    }

    /// Begins to watch what happens to an execution.
    pub(crate) fn watch(&self, id: ExecutionId) -> Subscription {
        self.watch_topic(id, Topic::Events)
    }

    /// Begins to watch what is sent to an execution.
    pub(crate) fn watch_input(&self, id: ExecutionId) -> Subscription {
        self.watch_topic(id, Topic::Input)
    }

    fn watch_topic(&self, id: ExecutionId, topic: Topic) -> Subscription {
        Subscription {
            news: self.interests.watch(id, topic),
            id,
            interests: Arc::clone(&self.interests),
        }
    }
}

/// Somebody's interest in one execution; its channel is subscribed to while there is any.
pub(crate) struct Subscription {
    news: watch::Receiver<u64>,
    id: ExecutionId,
    interests: Arc<Subscriptions>,
}

impl Subscription {
    /// Waits until the subscription stands, but not for long: without it the watcher looks for news by itself.
    pub(crate) async fn standing(&mut self) {
        let stands = self.news.wait_for(|heard| *heard > 0);
        drop(tokio::time::timeout(STANDING_PATIENCE, stands).await);
        self.news.mark_unchanged();
    }

    /// Waits for news since the last call, or since it was last known that there is none. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        drop(self.news.changed().await);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.interests.leave(self.id);
    }
}

#[cfg(test)]
mod tests;
