//! Tracks which executions are subscribed to, and passes hints on to their subscribers.

use std::collections::{HashMap, HashSet, VecDeque};

use coderun_domain::ExecutionId;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// The number of recent cancellations that are kept for workers that ask late.
const CANCELLATIONS_KEPT: usize = 1024;

/// All subscriptions of this process.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Grows whenever there may be work.
    pub(super) work: watch::Sender<u64>,
    pub(super) cancellations: watch::Sender<Cancellations>,
    executions: Mutex<SubscribedExecutions>,
    /// An execution gained its first subscriber or lost its last.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct SubscribedExecutions {
    entries: HashMap<ExecutionId, Entry>,
    /// Executions whose channel may have to be subscribed to or left.
    unsettled: HashSet<ExecutionId>,
}

#[derive(Debug, Default)]
struct Entry {
    subscribers: usize,
    events: HintCounter,
    input: HintCounter,
}

/// 0 until the subscription is active; grows with each hint.
type HintCounter = watch::Sender<u64>;

/// The kinds of hints about an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// New events of the execution.
    Events,
    /// New input for it.
    Input,
}

impl Entry {
    const fn hints(&self, topic: Topic) -> &HintCounter {
        match topic {
            Topic::Events => &self.events,
            Topic::Input => &self.input,
        }
    }
}

/// The recent cancellations.
#[derive(Debug, Default)]
pub(super) struct Cancellations {
    /// How often cancellations may have been lost.
    pub(super) gaps: u64,
    recent: VecDeque<Cancellation>,
}

#[derive(Debug)]
struct Cancellation {
    id: ExecutionId,
    is_delivered: bool,
}

impl Cancellations {
    pub(super) fn contains(&self, id: ExecutionId) -> bool {
        self.recent.iter().any(|it| it.id == id)
    }
}

impl Subscriptions {
    /// Adds a subscriber to one kind of hints about this execution.
    pub(super) fn add(&self, id: ExecutionId, topic: Topic) -> watch::Receiver<u64> {
        let mut executions = self.executions.lock();
        let entry = executions.entries.entry(id).or_default();
        entry.subscribers += 1;
        let hints = entry.hints(topic).subscribe();
        if entry.subscribers == 1 {
            executions.unsettled.insert(id);
            self.changed.notify_one();
        }
        hints
    }

    /// Removes a subscriber.
    pub(super) fn remove(&self, id: ExecutionId) {
        let mut executions = self.executions.lock();
        let Some(entry) = executions.entries.get_mut(&id) else {
            return;
        };
        entry.subscribers -= 1;
        if entry.subscribers == 0 {
            executions.entries.remove(&id);
            executions.unsettled.insert(id);
            self.changed.notify_one();
        }
    }

    /// Takes the executions whose channels must be checked, each with whether it has subscribers.
    pub(super) fn take_unsettled(&self) -> Vec<(ExecutionId, bool)> {
        let mut executions = self.executions.lock();
        let unsettled = std::mem::take(&mut executions.unsettled);
        let is_subscribed = |id| (id, executions.entries.contains_key(&id));
        unsettled.into_iter().map(is_subscribed).collect()
    }

    /// Returns every execution with subscribers; none is unsettled after it.
    pub(super) fn take_all(&self) -> Vec<ExecutionId> {
        let mut executions = self.executions.lock();
        executions.unsettled.clear();
        executions.entries.keys().copied().collect()
    }

    /// Passes a hint on.
    pub(super) fn notify(&self, id: ExecutionId, topic: Topic) {
        if let Some(entry) = self.executions.lock().entries.get(&id) {
            entry.hints(topic).send_modify(|count| *count += 1);
        }
    }

    /// Marks the subscription to this execution as active. Hints may have been lost before, so it counts as one.
    pub(super) fn activate(&self, id: ExecutionId) {
        for topic in [Topic::Events, Topic::Input] {
            self.notify(id, topic);
        }
    }

    pub(super) fn notify_of_work(&self) {
        self.work.send_modify(|generation| *generation += 1);
    }

    pub(super) fn notify_of_cancellation(&self, id: ExecutionId) {
        self.cancellations.send_modify(|cancellations| {
            cancellations.recent.retain(|it| it.id != id);
            if cancellations.recent.len() == CANCELLATIONS_KEPT {
                cancellations.recent.pop_front();
            }
            cancellations.recent.push_back(Cancellation {
                id,
                is_delivered: false,
            });
        });
    }

    /// Marks this cancellation as delivered, and returns whether it was before.
    pub(super) fn mark_delivered(&self, id: ExecutionId) -> bool {
        let mut was_delivered = false;
        self.cancellations.send_if_modified(|cancellations| {
            if let Some(it) = cancellations.recent.iter_mut().find(|it| it.id == id) {
                was_delivered = std::mem::replace(&mut it.is_delivered, true);
            }
            false
        });
        was_delivered
    }

    /// Wakes all waiting tasks: hints may have been lost while there was no connection.
    pub(super) fn notify_all(&self, subscribed: &[ExecutionId]) {
        for id in subscribed {
            self.activate(*id);
        }
        self.cancellations.send_modify(|all| all.gaps += 1);
        self.notify_of_work();
    }
}
