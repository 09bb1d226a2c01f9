//! Subscribes to the hints that other processes publish, and wakes the tasks that wait for them.
//!
//! A hint says only that there is something to read. After every new connection all waiting tasks are woken, because hints
//! may have been lost.

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
use subscriptions::{Cancellations, Subscriptions};

pub(crate) use subscriptions::Topic;

/// The longest wait for a subscription to become active; after it, the reader polls.
const ACTIVATION_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest interval between the pulses that this process sends to itself.
const PULSE_INTERVAL_MAX: Duration = Duration::from_secs(2);

/// A cancellation that was delivered already may belong to an earlier execution with the same id. This pause slows down a
/// worker that asks in a loop.
const REPEATED_DELIVERY_PAUSE: Duration = Duration::from_secs(1);

/// Receives the hints of one process.
pub(crate) struct Subscriber {
    subscriptions: Arc<Subscriptions>,
    _listening: DropGuard,
}

impl Subscriber {
    /// Listens on the current runtime until the subscriber is dropped.
    pub(crate) async fn start(
        config: &RedisConfig,
        connections: Arc<SharedConnections>,
    ) -> Result<Self, CommandError> {
        let subscriptions = Arc::new(Subscriptions::default());
        let stop = CancellationToken::new();
        let listener = Listener {
            connector: Connector::new(config),
            channels: Channels::new(config),
            timeout: config.connect_timeout + config.response_timeout,
            pulse_interval: PULSE_INTERVAL_MAX.min(config.watch_interval),
            missed_pulses: AtomicU32::new(0),
            subscriptions: Arc::clone(&subscriptions),
            connections,
        };
        let mut connected = subscriptions.work.subscribe();
        let tasks = TaskTracker::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(listener.listen()));
        tasks.close();
        let subscriber = Self {
            subscriptions,
            _listening: stop.drop_guard(),
        };
        match tokio::time::timeout(config.patience, connected.changed()).await {
            Ok(Ok(())) => Ok(subscriber),
            Ok(Err(_)) => Err(CommandError::RuntimeEnded),
            Err(_) => Err(CommandError::TimedOut(config.patience)),
        }
    }

    /// A number that grows whenever there may be work.
    pub(crate) fn work_generation(&self) -> u64 {
        *self.subscriptions.work.borrow()
    }

    /// Waits until the generation differs from this one, and returns it. Cancel-safe.
    pub(crate) async fn next_work_generation(&self, seen: u64) -> u64 {
        let mut work = self.subscriptions.work.subscribe();
        // The sender lives as long as the subscriber, so the wait ends only with a change.
        let changed = work.wait_for(|generation| *generation != seen).await;
        changed.map_or(seen, |generation| *generation)
    }

    /// Waits until the owner of this execution cancels it. Also returns for a recent cancellation, and when a cancellation
    /// may have been lost with the connection. Cancel-safe.
    pub(crate) async fn cancelled(&self, id: ExecutionId) {
        let mut cancellations = self.subscriptions.cancellations.subscribe();
        let gaps = cancellations.borrow_and_update().gaps;
        let is_due = |all: &Cancellations| all.gaps != gaps || all.contains(id);
        let due = cancellations.wait_for(is_due).await;
        let is_gap = due.is_ok_and(|all| all.gaps != gaps);
        if !is_gap && self.subscriptions.mark_delivered(id) {
            tokio::time::sleep(REPEATED_DELIVERY_PAUSE).await;
        }
    }

    /// Subscribes to one kind of hints about an execution.
    pub(crate) fn subscribe(&self, id: ExecutionId, topic: Topic) -> Subscription {
        Subscription {
            hints: self.subscriptions.add(id, topic),
            id,
            subscriptions: Arc::clone(&self.subscriptions),
        }
    }
}

/// A subscription to one execution. All subscriptions to it share a channel, which is left with the last of them.
pub(crate) struct Subscription {
    hints: watch::Receiver<u64>,
    id: ExecutionId,
    subscriptions: Arc<Subscriptions>,
}

impl Subscription {
    /// Waits until the subscription is active, at most [`ACTIVATION_TIMEOUT`].
    pub(crate) async fn activated(&mut self) {
        let active = self.hints.wait_for(|count| *count > 0);
        drop(tokio::time::timeout(ACTIVATION_TIMEOUT, active).await);
        self.hints.mark_unchanged();
    }

    /// Waits for a hint that came after the last call, or after the activation. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        drop(self.hints.changed().await);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.subscriptions.remove(self.id);
    }
}

#[cfg(test)]
mod tests;
