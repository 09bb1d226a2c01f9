//! Hands changes to an adapter that saves them, and restores a ledger from what was saved.

use std::mem;

use coderun_domain::{ExecutionId, Status};
use time::OffsetDateTime;

use super::Ledger;
use super::pending_changes::PendingChanges;
use super::record::Record;
use super::snapshot::{RecordChange, RecordSnapshot, SavedState, SurvivingWorkers};
use super::worker_offers::WorkerOffers;
use crate::LedgerConfig;

impl Ledger {
    /// Restores a ledger, and deletes the records that have expired meanwhile. From now on
    /// [`take_changes`](Ledger::take_changes) answers what is to be saved.
    #[must_use]
    pub fn restore(config: LedgerConfig, saved: SavedState, now: OffsetDateTime) -> Self {
        let mut ledger = Self::new(config);
        ledger.changes = Some(PendingChanges::default());
        ledger.last_order = saved.last_order;
        let leases_go_on = match saved.workers {
            SurvivingWorkers::All(offers) => {
                ledger.offers = offers;
                true
            }
            SurvivingWorkers::None => false,
        };
        let mut records = saved.records;
        records.sort_unstable_by_key(|record| record.order);
        for record in records {
            let id = ledger.put_back(record, now);
            if !leases_go_on {
                ledger.expire_lease(id, now);
            }
            // Looking for a record deletes it if it has expired.
            ledger.find(id, now);
        }
        ledger
    }

    /// Everything that has changed since the last call, deletions first. Empty unless the ledger was made by
    /// [`restore`](Ledger::restore).
    pub fn take_changes(&mut self) -> Vec<RecordChange> {
        let Some(changes) = &mut self.changes else {
            return Vec::new();
        };
        let PendingChanges { updated, deleted } = mem::take(changes);
        let mut changes: Vec<_> = deleted.into_iter().map(RecordChange::Deleted).collect();
        for id in updated {
            let record = self.records.get_mut(&id);
            let snapshot = record.map(|record| Box::new(record.take_unsaved()));
            changes.extend(snapshot.map(RecordChange::Updated));
        }
        changes
    }

    /// The greatest [`order`](RecordSnapshot::order) so far.
    #[must_use]
    pub const fn last_order(&self) -> u64 {
        self.last_order
    }

    /// Takes the offers of all workers away, for the ledger that replaces this one.
    pub fn take_offers(&mut self) -> WorkerOffers {
        mem::take(&mut self.offers)
    }

    fn put_back(&mut self, record: RecordSnapshot, now: OffsetDateTime) -> ExecutionId {
        self.last_order = self.last_order.max(record.order);
        let id = record.execution.id();
        self.remove(id);
        self.register(Record::restored(record), now);
        id
    }

    /// Lets the lease on a running execution run out.
    fn expire_lease(&mut self, id: ExecutionId, now: OffsetDateTime) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        match record.execution.status() {
            Status::Running if self.config.policy.is_last_attempt(&record.execution) => {
                self.deadlines.set(id, now);
            }
            Status::Running => self.leases.set(id, now),
            Status::Pending | Status::Completed | Status::Error => {}
        }
    }
}

#[cfg(test)]
mod tests;
