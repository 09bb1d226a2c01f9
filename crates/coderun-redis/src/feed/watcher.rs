//! Waits for the events of one execution on behalf of one watcher.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ExecutionId, Sequence, StoredEvent};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Feed;
use super::recent::Recent;

/// A watcher of one execution.
pub(crate) struct Watcher {
    feed: Arc<Feed>,
    id: ExecutionId,
    recent: watch::Receiver<Recent>,
    /// How often reads had been required when this watcher last read; `None` if it must read in any case.
    reads_seen: Option<u64>,
    read_at: Instant,
    interval: Duration,
}

impl Watcher {
    pub(super) fn new(
        feed: Arc<Feed>,
        id: ExecutionId,
        recent: watch::Receiver<Recent>,
        interval: Duration,
    ) -> Self {
        let reads_seen = {
            // All that happens to an execution that runs here is known.
            let known = recent.borrow();
            known.runs_here.then_some(known.reads_required)
        };
        Self {
            feed,
            id,
            recent,
            reads_seen,
            read_at: Instant::now(),
            interval,
        }
    }

    /// Waits for the event after `seen`; `None` means that the watcher has to read. It knows that the events up to `stored`
    /// exist. Cancel-safe.
    pub(crate) async fn next_event(
        &mut self,
        seen: Sequence,
        stored: Sequence,
    ) -> Option<StoredEvent> {
        loop {
            if let Some(event) = self.recent.borrow_and_update().event_after(seen) {
                return Some(event);
            }
            if self.must_read(seen, stored) {
                return None;
            }
            tokio::select! {
                // The feed keeps the sender as long as there is a receiver, so this ends only with a change.
                _ = self.recent.changed() => {}
                () = sleep_until(self.read_at + self.interval) => return None,
            }
        }
    }

    /// Whether the event after `seen` can only be had by a read.
    pub(crate) fn must_read(&self, seen: Sequence, stored: Sequence) -> bool {
        let recent = self.recent.borrow();
        let is_behind = seen < stored.max(recent.last) && recent.event_after(seen).is_none();
        is_behind || self.reads_seen != Some(recent.reads_required)
    }

    /// Notes that this watcher reads now. Returns the number of the last event that is known.
    pub(crate) fn begin_read(&mut self) -> Sequence {
        self.read_at = Instant::now();
        let recent = self.recent.borrow();
        self.reads_seen = Some(recent.reads_required);
        recent.last
    }

    /// Tells all watchers that the server has no more than these events, or those of another execution.
    pub(crate) fn rewind(&self, stored: Sequence) {
        self.feed.rewind(self.id, stored);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.feed.leave(self.id);
    }
}
