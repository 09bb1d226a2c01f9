//! Receives what other processes publish, and wakes the tasks that wait for it.
//!
//! Every process subscribes to two channels: the signals for all, and its own. After every new connection all waiting tasks
//! are woken, because messages may have been lost.

mod hints;
mod listener;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use coderun_domain::{ExecutionId, TakeFor};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::RedisConfig;
use crate::connection::Connector;
use crate::feed::Feed;
use crate::layout::Layout;
use crate::transport::Transport;
use hints::{Cancellations, Hints};
use listener::Listener;

pub(crate) use hints::{ForUsers, InputWaiter};

/// The longest interval between the pulses that this process sends to itself.
const PULSE_INTERVAL_MAX: Duration = Duration::from_secs(2);

/// A cancellation that was delivered already may belong to an earlier execution with the same id. This pause slows down a
/// worker that asks in a loop.
const REPEATED_DELIVERY_PAUSE: Duration = Duration::from_secs(1);

/// Receives the messages for one process.
#[derive(Debug)]
pub(crate) struct Subscriber {
    hints: Arc<Hints>,
    _listening: DropGuard,
}

impl Subscriber {
    /// Listens on the current runtime until the subscriber is dropped. `process` is the name by which the scripts know this
    /// process. What happens to executions is passed to the feed.
    pub(crate) fn start(
        config: &RedisConfig,
        layout: &Layout,
        process: &str,
        transport: Arc<Transport>,
        feed: Arc<Feed>,
    ) -> Self {
        let hints = Arc::new(Hints::default());
        let stop = CancellationToken::new();
        let listener = Listener {
            connector: Connector::new(config),
            signals: layout.signals_channel(),
            messages: layout.messages_channel(process),
            timeout: config.connect_timeout + config.response_timeout,
            pulse_interval: PULSE_INTERVAL_MAX.min(config.watch_interval),
            missed_pulses: AtomicU32::new(0),
            hints: Arc::clone(&hints),
            feed,
            transport,
        };
        let tasks = TaskTracker::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(listener.listen()));
        tasks.close();
        Self {
            hints,
            _listening: stop.drop_guard(),
        }
    }

    /// Waits until it has subscribed for the first time, or until the patience ends.
    pub(crate) async fn connected(&self, patience: Duration) {
        let mut work = self.hints.work.subscribe();
        // Every subscription wakes those who wait for work.
        let subscribed = work.wait_for(|work| *work != ForUsers::default());
        drop(tokio::time::timeout(patience, subscribed).await);
    }

    /// A number that grows whenever there may be work for these users.
    pub(crate) fn work_generation(&self, users: TakeFor) -> u64 {
        *self.hints.work.borrow().of(users)
    }

    /// Waits until the generation differs from this one, and returns it. Cancel-safe.
    pub(crate) async fn next_work_generation(&self, users: TakeFor, seen: u64) -> u64 {
        let mut work = self.hints.work.subscribe();
        // The sender lives as long as the subscriber, so the wait ends only with a change.
        let changed = work.wait_for(|work| *work.of(users) != seen).await;
        changed.map_or(seen, |work| *work.of(users))
    }

    /// Waits until the owner of this execution cancels it. Also returns for a recent cancellation, and when a cancellation
    /// may have been lost with the connection. Cancel-safe.
    pub(crate) async fn cancelled(&self, id: ExecutionId) {
        let mut cancellations = self.hints.cancellations.subscribe();
        let gaps = cancellations.borrow_and_update().gaps;
        let is_due = |all: &Cancellations| all.gaps != gaps || all.contains(id);
        let due = cancellations.wait_for(is_due).await;
        let is_gap = due.is_ok_and(|all| all.gaps != gaps);
        if !is_gap && self.hints.mark_delivered(id) {
            tokio::time::sleep(REPEATED_DELIVERY_PAUSE).await;
        }
    }

    /// Waits for new input of an execution from now on.
    pub(crate) fn wait_for_input(&self, id: ExecutionId) -> InputWaiter {
        self.hints.wait_for_input(id)
    }
}

#[cfg(test)]
mod tests;
