//! Hands changes to an adapter that saves them, and restores a ledger from what was saved.

use std::mem;
use std::time::Duration;

use coderun_domain::Status;
use time::OffsetDateTime;

use super::Ledger;
use super::record::Record;
use super::snapshot::{LedgerChanges, PendingChanges, RecordSnapshot, VolatileState};
use crate::LedgerConfig;

impl Ledger {
    /// Restores a ledger from the saved records, in any order, and deletes those that have expired meanwhile. From now on
    /// [`take_changes`](Ledger::take_changes) answers what is to be saved.
    ///
    /// With the `volatile` state of the ledger before, leases begin anew. Without it this is a new process, and what ran
    /// may be taken over at once.
    #[must_use]
    pub fn restore(
        config: LedgerConfig,
        mut records: Vec<RecordSnapshot>,
        volatile: Option<VolatileState>,
        now: OffsetDateTime,
    ) -> Self {
        let mut ledger = Self::new(config);
        ledger.at(now).changes = Some(PendingChanges::default());
        let workers_survive = volatile.is_some();
        let VolatileState { last_order, offers } = volatile.unwrap_or_default();
        (ledger.last_order, ledger.offers) = (last_order, offers);
        records.sort_unstable_by_key(|record| record.order);
        for record in records {
            let id = record.execution.id();
            let is_running = record.execution.status() == Status::Running;
            ledger.last_order = ledger.last_order.max(record.order);
            ledger.remove(id);
            ledger.register(Record::restored(record));
            if is_running && !workers_survive {
                ledger.set_lease(id, Duration::ZERO);
            }
            // Looking for a record deletes it if it has expired.
            ledger.find(id);
        }
        ledger
    }

    /// Everything that has changed since the last call. Empty unless the ledger was made by [`restore`](Ledger::restore).
    pub fn take_changes(&mut self) -> LedgerChanges {
        let PendingChanges { updated, deleted } =
            self.changes.as_mut().map(mem::take).unwrap_or_default();
        let records = updated.iter().filter_map(|id| {
            let record = self.records.get_mut(id)?;
            Some(record.take_unsaved())
        });
        LedgerChanges {
            updated: records.collect(),
            deleted,
        }
    }

    /// What the ledger that replaces this one is to know beside the saved records.
    #[must_use]
    pub fn volatile_state(&self) -> VolatileState {
        VolatileState {
            last_order: self.last_order,
            offers: self.offers.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
