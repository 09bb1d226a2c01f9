//! Who waits for what.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use coderun_domain::ExecutionId;
use tokio::sync::{Notify, watch};

/// So many of the last cancellations are remembered, for those who ask a moment late.
const CANCELS_KEPT: usize = 1024;

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    /// Grows whenever there may be work.
    pub(super) work: watch::Sender<u64>,
    pub(super) cancels: watch::Sender<Cancels>,
    watched: Mutex<Watched>,
    /// Something was begun or ceased to be watched.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct Watched {
    entries: HashMap<ExecutionId, Entry>,
    /// Executions whose subscription may not be as it should.
    unsettled: HashSet<ExecutionId>,
}

#[derive(Debug, Default)]
struct Entry {
    watchers: usize,
    events: News,
    input: News,
}

/// 0 until the subscription stands; then it grows with all news.
type News = watch::Sender<u64>;

/// What there may be news of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// What happened to an execution.
    Events,
    /// What was sent to it.
    Input,
}

impl Entry {
    const fn news(&self, topic: Topic) -> &News {
        match topic {
            Topic::Events => &self.events,
            Topic::Input => &self.input,
        }
    }
}

/// What was lately told to be stopped.
#[derive(Debug, Default)]
pub(super) struct Cancels {
    /// How often something may have been missed.
    pub(super) lost: u64,
    recent: VecDeque<Cancel>,
}

#[derive(Debug)]
struct Cancel {
    id: ExecutionId,
    is_passed_on: bool,
}

impl Cancels {
    pub(super) fn has(&self, id: ExecutionId) -> bool {
        self.recent.iter().any(|it| it.id == id)
    }
}

impl Subscriptions {
    /// One more watcher of this execution, for news of one kind.
    pub(super) fn watch(&self, id: ExecutionId, topic: Topic) -> watch::Receiver<u64> {
        let mut watched = self.lock();
        let entry = watched.entries.entry(id).or_default();
        entry.watchers += 1;
        let news = entry.news(topic).subscribe();
        if entry.watchers == 1 {
            watched.unsettled.insert(id);
            self.changed.notify_one();
        }
        news
    }

    /// One watcher less.
    pub(super) fn leave(&self, id: ExecutionId) {
        let mut watched = self.lock();
        let Some(entry) = watched.entries.get_mut(&id) else {
            return;
        };
        entry.watchers -= 1;
        if entry.watchers == 0 {
            watched.entries.remove(&id);
            watched.unsettled.insert(id);
            self.changed.notify_one();
        }
    }

    /// The executions whose subscriptions are to be looked at, and whether each is watched.
    pub(super) fn take_unsettled(&self) -> Vec<(ExecutionId, bool)> {
        let mut watched = self.lock();
        let unsettled = std::mem::take(&mut watched.unsettled);
        let is_watched = |id| (id, watched.entries.contains_key(&id));
        unsettled.into_iter().map(is_watched).collect()
    }

    /// Everything that is watched; what was unsettled is settled with it.
    pub(super) fn take_all(&self) -> Vec<ExecutionId> {
        let mut watched = self.lock();
        watched.unsettled.clear();
        watched.entries.keys().copied().collect()
    }

    /// There are news of this execution.
    pub(super) fn tell(&self, id: ExecutionId, topic: Topic) {
        if let Some(entry) = self.lock().entries.get(&id) {
            entry.news(topic).send_modify(|heard| *heard += 1);
        }
    }

    /// The subscription to this execution stands now: there may be news of every kind.
    pub(super) fn tell_standing(&self, id: ExecutionId) {
        for topic in [Topic::Events, Topic::Input] {
            self.tell(id, topic);
        }
    }

    pub(super) fn tell_work(&self) {
        self.work.send_modify(|generation| *generation += 1);
    }

    pub(super) fn tell_cancel(&self, id: ExecutionId) {
        self.cancels.send_modify(|cancels| {
            cancels.recent.retain(|it| it.id != id);
            if cancels.recent.len() == CANCELS_KEPT {
                cancels.recent.pop_front();
            }
            cancels.recent.push_back(Cancel {
                id,
                is_passed_on: false,
            });
        });
    }

    /// Notes that this cancellation is passed on, and says whether it was before.
    pub(super) fn pass_on_cancel(&self, id: ExecutionId) -> bool {
        let mut was_passed_on = false;
        self.cancels.send_if_modified(|cancels| {
            if let Some(cancel) = cancels.recent.iter_mut().find(|it| it.id == id) {
                was_passed_on = std::mem::replace(&mut cancel.is_passed_on, true);
            }
            false
        });
        was_passed_on
    }

    /// Anything may have happened while nobody listened.
    pub(super) fn tell_everybody(&self, watched: &[ExecutionId]) {
        for id in watched {
            self.tell_standing(*id);
        }
        self.cancels.send_modify(|cancels| cancels.lost += 1);
        self.tell_work();
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
