//! What has changed since somebody asked, for an owner that keeps it elsewhere, and the way back.

use std::collections::BTreeSet;
use std::mem;

use coderun_domain::{ExecutionId, Status};
use time::OffsetDateTime;

use super::Ledger;
use super::announcing::WorkerOffers;
use super::record::Record;
use super::snapshot::{Change, Kept};
use crate::LedgerConfig;

/// What a ledger is made from again.
#[derive(Debug)]
pub struct Restored {
    /// The records that were kept, in any order.
    pub records: Vec<Kept>,
    /// At least the greatest [`order`](Kept::order) that was ever told, as far as known.
    pub last_order: u64,
    /// What has become of the workers meanwhile.
    pub workers: Workers,
}

/// What has become of the workers while a ledger was away.
#[derive(Debug)]
pub enum Workers {
    /// They are at work. Their leases begin anew, and their offers hold.
    Alive(WorkerOffers),
    /// They are gone, and what they had may be taken over at once.
    Gone,
}

/// What nobody was told of yet.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    changed: BTreeSet<ExecutionId>,
    deleted: Vec<u64>,
}

impl Journal {
    pub(crate) fn changed(&mut self, id: ExecutionId) {
        self.changed.insert(id);
    }

    pub(crate) fn deleted(&mut self, record: &Record) {
        if record.is_told() {
            self.deleted.push(record.order);
        }
    }
}

impl Ledger {
    /// A ledger with what was kept of an earlier one; records that have expired meanwhile are deleted. From now on
    /// [`take_changes`](Ledger::take_changes) tells what is to be kept.
    #[must_use]
    pub fn restore(config: LedgerConfig, restored: Restored, now: OffsetDateTime) -> Self {
        let mut ledger = Self::new(config);
        ledger.journal = Some(Journal::default());
        ledger.submissions = restored.last_order;
        let are_gone = matches!(restored.workers, Workers::Gone);
        if let Workers::Alive(offers) = restored.workers {
            ledger.offers = offers;
        }
        let mut records = restored.records;
        records.sort_unstable_by_key(|kept| kept.order);
        for kept in records {
            let id = ledger.put_back(kept, now);
            if are_gone {
                ledger.abandon(id, now);
            }
            // Looking for a record deletes it if it has expired.
            ledger.find(id, now);
        }
        ledger
    }

    /// Everything that has changed since the last time, deletions first. Nothing where a ledger was not made by
    /// [`restore`](Ledger::restore).
    pub fn take_changes(&mut self) -> Vec<Change> {
        let Some(journal) = &mut self.journal else {
            return Vec::new();
        };
        let Journal { changed, deleted } = mem::take(journal);
        let mut changes: Vec<_> = deleted.into_iter().map(Change::Deleted).collect();
        for id in changed {
            let record = self.records.get_mut(&id);
            changes.extend(record.map(|record| Change::Kept(Box::new(record.untold()))));
        }
        changes
    }

    /// The greatest [`order`](Kept::order) so far.
    #[must_use]
    pub const fn last_order(&self) -> u64 {
        self.submissions
    }

    fn put_back(&mut self, kept: Kept, now: OffsetDateTime) -> ExecutionId {
        self.submissions = self.submissions.max(kept.order);
        let id = kept.execution.id();
        self.remove(id);
        self.register(Record::restored(kept), now);
        id
    }

    /// Lets the lease on a running execution run out.
    fn abandon(&mut self, id: ExecutionId, now: OffsetDateTime) {
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
