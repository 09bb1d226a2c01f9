//! Lets watchers read the stored events at their own pace.

use coderun_domain::{ExecutionId, Sequence, StoredEvent};

use super::Ledger;
use crate::wake::WakeListener;

/// Names a record that is watched. A later record with the same id is another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WatchedRecord {
    id: ExecutionId,
    order: u64,
}

/// Answers a watcher that asks for the next event.
#[derive(Debug)]
pub(crate) enum NextEvent {
    /// It is stored.
    Stored(StoredEvent),
    /// It is not stored yet. The listener is woken when the next event is stored.
    Pending(WakeListener),
    /// The watcher has seen the last event that there will be.
    End,
    /// The record is deleted or has expired.
    Gone,
}

impl Ledger {
    /// Finds a record to watch.
    pub(crate) fn watch(&mut self, id: ExecutionId) -> Option<WatchedRecord> {
        let order = self.find(id)?.order;
        Some(WatchedRecord { id, order })
    }

    /// The event after this one.
    pub(crate) fn next_event(&mut self, watched: WatchedRecord, after: Sequence) -> NextEvent {
        let record = self.find(watched.id);
        let Some(record) = record.filter(|record| record.order == watched.order) else {
            return NextEvent::Gone;
        };
        match record.event_after(after) {
            Some(event) => NextEvent::Stored(event.clone()),
            None if record.execution.status().is_final() => NextEvent::End,
            None => NextEvent::Pending(record.event_signal.listen()),
        }
    }
}
