//! What watchers do: read the stored events at their own pace.

use coderun_domain::{ExecutionId, Sequence, StoredEvent};
use time::OffsetDateTime;

use super::Ledger;
use crate::signal::Listener;

/// Which record is watched: a later one with the same id is another.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    id: ExecutionId,
    order: u64,
}

/// What a watcher finds.
#[derive(Debug)]
pub enum News {
    /// The next event.
    Event(StoredEvent),
    /// Nothing yet.
    NotYet,
    /// It has seen everything there will be.
    End,
    /// The record is no more.
    Gone,
}

impl Ledger {
    /// Begins to watch: the listener is woken by whatever is stored from now on. `None` if there is no such execution.
    pub fn watch(&mut self, id: ExecutionId, now: OffsetDateTime) -> Option<(Watched, Listener)> {
        let record = self.find(id, now)?;
        let order = record.order;
        Some((Watched { id, order }, record.news.listen()))
    }

    /// What comes after this event.
    pub fn news(&mut self, watched: Watched, after: Sequence, now: OffsetDateTime) -> News {
        let record = self.find(watched.id, now);
        let Some(record) = record.filter(|record| record.order == watched.order) else {
            return News::Gone;
        };
        match record.event_after(after) {
            Some(event) => News::Event(event.clone()),
            None if record.execution.status().is_final() => News::End,
            None => News::NotYet,
        }
    }
}
