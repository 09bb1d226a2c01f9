//! Tells the watchers in this process what happens to executions, as far as that is known without asking the server.
//!
//! What this process does itself is told after the server has stored it; what others do arrives in messages. Whoever may
//! have missed something reads it from the server: a lost message loses no event, and a repeated one repeats none.

mod message;
mod recent;
mod watcher;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Event, Execution, ExecutionId, Lease, RunEvent, Sequence, StoredEvent};
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::finishing::FinishedRun;
use recent::Recent;

pub(crate) use watcher::Watcher;

/// What is known of the executions that this process runs or watches. A watched one has receivers.
#[derive(Debug, Default)]
pub(crate) struct Feed(Mutex<HashMap<ExecutionId, watch::Sender<Recent>>>);

/// How a run has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunEnd {
    /// The number of the final event.
    pub(crate) sequence: Sequence,
    pub(crate) completed_at: OffsetDateTime,
}

impl Feed {
    /// Records that this process runs an execution.
    pub(crate) fn begin(&self, lease: &Lease) {
        let mut executions = self.0.lock();
        let entry = executions.entry(lease.id()).or_default();
        entry.send_modify(|recent| recent.begin(lease.execution()));
    }

    /// Tells the events of a run after this one.
    pub(crate) fn append(&self, id: ExecutionId, after: Sequence, events: &[RunEvent]) {
        let executions = self.0.lock();
        let Some(entry) = executions.get(&id) else {
            return;
        };
        if is_watched(entry) {
            entry.send_modify(|recent| recent.add(number_events(after, events)));
        } else {
            entry.send_modify(|recent| recent.skip_to(after.plus(count(events))));
        }
    }

    /// Tells the last events of a run, and its end.
    pub(crate) fn finish(&self, run: FinishedRun<'_>, end: RunEnd) {
        let is_complete = run.after.plus(count(run.events)).next() == end.sequence;
        self.update(run.lease.id(), |recent| {
            if is_complete {
                recent.end(number_events(run.after, run.events).chain(end_event(run, end)));
            } else {
                // The worker did not know of an event.
                recent.require_read();
            }
        });
    }

    /// Passes on what another process has told.
    pub(crate) fn receive(&self, message: &[u8]) {
        if let Some((id, events)) = message::decode(message)
            && let Some(entry) = self.0.lock().get(&id)
        {
            entry.send_modify(|recent| match events {
                Some(events) => recent.add(events),
                None => recent.require_read(),
            });
        }
    }

    /// Whether this process runs or watches an execution, which then lives as far as this process knows.
    pub(crate) fn follows(&self, id: ExecutionId) -> bool {
        self.0.lock().contains_key(&id)
    }

    /// An execution as this process has begun to run it. Its progress may have changed since, but not its submission.
    pub(crate) fn begun(&self, id: ExecutionId) -> Option<Execution> {
        self.0.lock().get(&id)?.borrow().begun().cloned()
    }

    /// Makes the watchers of an execution read: something has happened to it that this process has no part in.
    pub(crate) fn changed(&self, id: ExecutionId) {
        self.update(id, Recent::require_read);
    }

    /// Makes all watchers read: messages may have been lost.
    pub(crate) fn all_changed(&self) {
        let mut executions = self.0.lock();
        executions.retain(|_, entry| is_watched(entry));
        for entry in executions.values() {
            entry.send_modify(Recent::require_read);
        }
    }

    /// Watches an execution. A watcher reads at least once in an interval.
    pub(crate) fn watch(self: &Arc<Self>, id: ExecutionId, interval: Duration) -> Watcher {
        let recent = self.0.lock().entry(id).or_default().subscribe();
        Watcher::new(Arc::clone(self), id, recent, interval)
    }

    /// Forgets what the server has lost after this event, or what belongs to an earlier execution with the same id.
    fn rewind(&self, id: ExecutionId, last: Sequence) {
        self.update(id, |recent| recent.rewind(last));
    }

    /// Changes what is known of an execution for its watchers. Without any it is forgotten.
    fn update(&self, id: ExecutionId, change: impl FnOnce(&mut Recent)) {
        let mut executions = self.0.lock();
        match executions.get(&id) {
            Some(entry) if is_watched(entry) => entry.send_modify(change),
            Some(_) => drop(executions.remove(&id)),
            None => {}
        }
    }

    /// Forgets an execution that does not run here when its last watcher leaves, whose receiver still counts.
    fn leave(&self, id: ExecutionId) {
        let mut executions = self.0.lock();
        let is_last = |entry: &watch::Sender<Recent>| entry.receiver_count() <= 1;
        if let Some(entry) = executions.get(&id)
            && is_last(entry)
            && !entry.borrow().runs_here
        {
            executions.remove(&id);
        }
    }
}

fn is_watched(entry: &watch::Sender<Recent>) -> bool {
    entry.receiver_count() > 0
}

fn number_events(
    after: Sequence,
    events: &[RunEvent],
) -> impl Iterator<Item = StoredEvent> + use<'_> {
    let mut sequence = after;
    events.iter().map(move |event| {
        sequence = sequence.next();
        StoredEvent {
            sequence,
            event: event.clone().into(),
        }
    })
}

fn count(events: &[RunEvent]) -> u64 {
    u64::try_from(events.len()).unwrap_or(u64::MAX)
}

/// The final event of a run.
fn end_event(run: FinishedRun<'_>, end: RunEnd) -> Option<StoredEvent> {
    let taken = run.lease.execution().clone();
    let last = run.after.plus(count(run.events)).number();
    let told = last.saturating_sub(taken.sequence().number());
    let ended = taken
        .count_events(told, end.completed_at)
        .and_then(|running| running.finish(run.outcome.clone(), end.completed_at));
    ended.ok().map(|ended| StoredEvent {
        sequence: end.sequence,
        event: Event::Updated(ended.progress().clone()),
    })
}

#[cfg(test)]
mod tests;
