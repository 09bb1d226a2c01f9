//! Passes hints on to the tasks that wait for work, for input or for a cancellation.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use coderun_domain::{ExecutionId, TakeFor};
use parking_lot::Mutex;
use tokio::sync::watch;

/// The number of recent cancellations that are kept for workers that ask late.
const CANCELLATIONS_KEPT: usize = 1024;

/// What the tasks of this process wait for.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Numbers that grow whenever there may be work for these users.
    pub(super) work: watch::Sender<ForUsers<u64>>,
    pub(super) cancellations: watch::Sender<Cancellations>,
    inputs: Arc<InputHints>,
}

/// A value for all users, and one for idle ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ForUsers<T> {
    everyone: T,
    idle_users: T,
}

/// A number for each execution whose input is waited for, which grows with each hint.
#[derive(Debug, Default)]
struct InputHints(Mutex<HashMap<ExecutionId, watch::Sender<u64>>>);

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

impl<T> ForUsers<T> {
    pub(crate) const fn of(&self, users: TakeFor) -> &T {
        match users {
            TakeFor::Everyone { .. } => &self.everyone,
            TakeFor::IdleUsers => &self.idle_users,
        }
    }
}

impl Hints {
    pub(super) fn wait_for_input(&self, id: ExecutionId) -> InputWaiter {
        let mut inputs = self.inputs.0.lock();
        InputWaiter {
            hints: inputs.entry(id).or_default().subscribe(),
            id,
            inputs: Arc::clone(&self.inputs),
        }
    }

    pub(super) fn notify_of_input(&self, id: ExecutionId) {
        if let Some(hints) = self.inputs.0.lock().get(&id) {
            hints.send_modify(|count| *count += 1);
        }
    }

    pub(super) fn notify_of_work(&self) {
        self.work.send_modify(|work| {
            work.everyone += 1;
            work.idle_users += 1;
        });
    }

    /// Only of users who run something already.
    pub(super) fn notify_of_work_of_busy_users(&self) {
        self.work.send_modify(|work| work.everyone += 1);
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
    pub(super) fn notify_all(&self) {
        for hints in self.inputs.0.lock().values() {
            hints.send_modify(|count| *count += 1);
        }
        self.cancellations.send_modify(|all| all.gaps += 1);
        self.notify_of_work();
    }
}

/// Waits for new input of one execution.
pub(crate) struct InputWaiter {
    hints: watch::Receiver<u64>,
    id: ExecutionId,
    inputs: Arc<InputHints>,
}

impl InputWaiter {
    /// Waits for a hint that came after the last call, or after this was made. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        // The sender is kept as long as there is a waiter.
        drop(self.hints.changed().await);
    }
}

impl Drop for InputWaiter {
    fn drop(&mut self) {
        let mut inputs = self.inputs.0.lock();
        // The receiver of this one still counts.
        if inputs
            .get(&self.id)
            .is_some_and(|it| it.receiver_count() <= 1)
        {
            inputs.remove(&self.id);
        }
    }
}
