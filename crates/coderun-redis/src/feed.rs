//! Tells the watchers in this process what happens to executions, as far as that is known without asking the server.
//!
//! What this process does itself is told after the server has stored it; what others do arrives in messages. Whoever may
//! have missed something reads it from the server: a lost message loses no event, and a repeated one repeats none.

mod message;
mod recent;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    Event, ExecutionId, Lease, Progress, ProgressParts, RunEvent, Sequence, State, StoredEvent,
};
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::event_pages::EventPage;
use crate::finishing::FinishedRun;
use message::FeedMessage;
use recent::Recent;

/// The number of ended executions without watchers whose end is remembered. Each takes some hundred bytes.
const ENDED_KEPT: usize = 4096;

/// What is known of the executions that this process runs or watches.
#[derive(Debug, Default)]
pub(crate) struct Feed(Mutex<Executions>);

#[derive(Debug, Default)]
struct Executions {
    entries: HashMap<ExecutionId, Entry>,
    /// Ended ones, the oldest first.
    ended: VecDeque<ExecutionId>,
}

type Entry = Arc<watch::Sender<Recent>>;

/// How a run has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunEnd {
    /// The number of the final event.
    pub(crate) sequence: Sequence,
    pub(crate) completed_at: OffsetDateTime,
    /// When the record expires.
    pub(crate) expires: OffsetDateTime,
}

impl Feed {
    /// Records that this process runs an execution.
    pub(crate) fn begin(&self, lease: &Lease) {
        let progress = lease.execution().progress();
        let entry = self.entry(lease.id());
        entry.send_modify(|recent| recent.begin(progress));
    }

    /// Tells the events of a run after this one.
    pub(crate) fn append(&self, id: ExecutionId, after: Sequence, events: &[RunEvent]) {
        if let Some(entry) = self.watched(id) {
            let events = number_events(after, events).collect();
            entry.send_if_modified(|recent| recent.add(events));
        } else if let Some(entry) = self.existing(id) {
            let last = after.plus(count(events));
            entry.send_if_modified(|recent| recent.skip_to(last));
        }
    }

    /// Tells the last events of a run, and its end.
    pub(crate) fn finish(&self, run: FinishedRun<'_>, end: RunEnd) {
        let id = run.lease.id();
        if run.after.plus(count(run.events)).next() != end.sequence {
            // The worker did not know of an event.
            self.changed(id);
        } else if let Some(entry) = self.watched(id) {
            let events = number_events(run.after, run.events);
            let events = events.chain(end_event(run, end)).collect();
            entry.send_modify(|recent| {
                recent.add(events);
                recent.end(end.sequence, end.expires);
            });
        } else if let Some(entry) = self.existing(id) {
            entry.send_modify(|recent| recent.end(end.sequence, end.expires));
        }
        self.remember_end(id);
    }

    /// Passes on what another process has told.
    pub(crate) fn receive(&self, message: &[u8]) {
        let Some(message) = FeedMessage::decode(message) else {
            return;
        };
        let entry = message.id().and_then(|id| self.existing(id));
        let Some(entry) = entry else {
            return;
        };
        match message.into_events() {
            Some(events) => drop(entry.send_if_modified(|recent| recent.add(events))),
            None => entry.send_modify(Recent::require_read),
        }
    }

    /// Makes the watchers of an execution read: something has happened to it that this process has no part in.
    pub(crate) fn changed(&self, id: ExecutionId) {
        let entry = {
            let mut executions = self.0.lock();
            let entry = executions.entries.get(&id).cloned();
            if entry.as_ref().is_some_and(|it| it.receiver_count() == 0) {
                executions.entries.remove(&id);
            }
            entry
        };
        if let Some(entry) = entry {
            entry.send_modify(Recent::require_read);
        }
    }

    /// Makes all watchers read: messages may have been lost.
    pub(crate) fn all_changed(&self) {
        let entries: Vec<_> = {
            let mut executions = self.0.lock();
            executions.entries.retain(|_, it| it.receiver_count() > 0);
            executions.entries.values().cloned().collect()
        };
        for entry in entries {
            entry.send_modify(Recent::require_read);
        }
    }

    /// Watches an execution. All watchers of it share what is known.
    pub(crate) fn watch(self: &Arc<Self>, id: ExecutionId) -> Watcher {
        let entry = self.entry(id);
        let recent = entry.subscribe();
        let reads_seen = recent.borrow().reads_required();
        Watcher {
            feed: Arc::clone(self),
            id,
            entry,
            recent,
            reads_seen,
        }
    }

    fn entry(&self, id: ExecutionId) -> Entry {
        Arc::clone(self.0.lock().entries.entry(id).or_default())
    }

    fn existing(&self, id: ExecutionId) -> Option<Entry> {
        self.0.lock().entries.get(&id).cloned()
    }

    fn watched(&self, id: ExecutionId) -> Option<Entry> {
        self.existing(id).filter(|it| it.receiver_count() > 0)
    }

    /// Remembers an end, and forgets the oldest.
    fn remember_end(&self, id: ExecutionId) {
        let mut executions = self.0.lock();
        executions.ended.push_back(id);
        if executions.ended.len() > ENDED_KEPT
            && let Some(oldest) = executions.ended.pop_front()
        {
            let entry = executions.entries.get(&oldest);
            if entry.is_some_and(|it| it.receiver_count() == 0 && it.borrow().has_ended()) {
                executions.entries.remove(&oldest);
            }
        }
    }

    /// Drops what is only of use to watchers when the last one leaves.
    fn leave(&self, id: ExecutionId, entry: &Entry) {
        let mut executions = self.0.lock();
        // The receiver of the watcher that leaves still counts.
        if entry.receiver_count() > 1 {
            return;
        }
        let is_current = executions
            .entries
            .get(&id)
            .is_some_and(|it| Arc::ptr_eq(it, entry));
        if is_current && !entry.borrow().runs_here() {
            executions.entries.remove(&id);
        }
    }
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

/// A watcher of one execution.
pub(crate) struct Watcher {
    feed: Arc<Feed>,
    id: ExecutionId,
    entry: Entry,
    recent: watch::Receiver<Recent>,
    /// How often a read was required when this watcher last read.
    reads_seen: u64,
}

/// What a watcher does next.
#[derive(Debug)]
pub(crate) enum NextStep {
    /// Deliver this event.
    Deliver(StoredEvent),
    /// Read from the server.
    Read,
    /// There will be no more events.
    End,
}

impl Watcher {
    /// Waits until there is an event after this one, or something else to do. A watcher reads at least once in an interval:
    /// all together, since each sees when another has read. Cancel-safe.
    pub(crate) async fn next_step(
        &mut self,
        seen: Sequence,
        interval: Duration,
        now: OffsetDateTime,
    ) -> NextStep {
        loop {
            let read_at = {
                let recent = self.recent.borrow_and_update();
                if let Some(event) = recent.event_after(seen) {
                    return NextStep::Deliver(event);
                }
                if recent.has_ended_by(seen, now) {
                    return NextStep::End;
                }
                recent.next_read(seen, self.reads_seen, interval)
            };
            let Some(read_at) = read_at else {
                return NextStep::Read;
            };
            tokio::select! {
                // The watcher itself holds a sender, so this ends only with a change.
                _ = self.recent.changed() => {}
                () = sleep_until(read_at) => return NextStep::Read,
            }
        }
    }

    /// Notes that this watcher reads now, so that others need not. Returns the number of the last event that is known.
    pub(crate) fn begin_read(&mut self) -> Sequence {
        let mut known = Sequence::START;
        self.entry.send_if_modified(|recent| {
            recent.note_read();
            self.reads_seen = recent.reads_required();
            known = recent.last();
            false
        });
        known
    }

    /// Tells all watchers what this one has read.
    pub(crate) fn tell(&self, page: &EventPage) {
        self.entry.send_if_modified(|recent| {
            let is_new = recent.add(page.events.clone()) | recent.skip_to(page.sequence);
            if let Some(expires) = page.expires {
                recent.end(page.sequence, expires);
            }
            is_new || page.expires.is_some()
        });
    }

    /// Whether a watcher that has seen this much begins with a read.
    pub(crate) fn must_read(
        &self,
        seen: Sequence,
        interval: Duration,
        now: OffsetDateTime,
    ) -> bool {
        let recent = self.recent.borrow();
        let due = recent.next_read(seen, self.reads_seen, interval);
        recent.event_after(seen).is_none()
            && !recent.has_ended_by(seen, now)
            && due.is_none_or(|due| due <= Instant::now())
    }

    /// Tells all watchers that the server has no more than these events, or those of another execution.
    pub(crate) fn rewind(&self, stored: Sequence) {
        self.entry.send_modify(|recent| recent.rewind(stored));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.feed.leave(self.id, &self.entry);
    }
}

/// The final event of a run.
fn end_event(run: FinishedRun<'_>, end: RunEnd) -> Option<StoredEvent> {
    let progress = run.lease.execution().progress();
    let progress = Progress::restore(ProgressParts {
        state: State::Final {
            outcome: Arc::new(run.outcome.clone()),
            completed_at: end.completed_at,
        },
        attempt: run.lease.attempt(),
        takeovers: progress.takeovers(),
        sequence: end.sequence,
        created_at: progress.created_at(),
        updated_at: end.completed_at,
    });
    progress.ok().map(|progress| StoredEvent {
        sequence: end.sequence,
        event: Event::Updated(progress),
    })
}

#[cfg(test)]
mod tests;
