//! What has changed since somebody asked, for an owner that keeps it elsewhere, and the way back.

use std::collections::BTreeSet;
use std::mem;

use coderun_domain::{
    Execution, ExecutionId, InputId, InputPiece, InputPosition, Status, StorePolicy, StoredEvent,
};
use time::OffsetDateTime;

use super::Ledger;
use super::record::{Record, Settled};
use crate::MemoryConfig;

/// One change of what is to be kept.
#[derive(Debug, Clone)]
pub enum Change {
    /// A record is new, or not what it was.
    Kept(Box<Kept>),
    /// The record with this [`order`](Kept::order) is no more, and nothing that belongs to it.
    Deleted(u64),
}

/// One execution with everything that outlives a restart. Submission rates and tickets do not: both are over soon.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The place among all records that there ever were: later ones are greater, and none is used twice.
    pub order: u64,
    /// The execution. Its submission never changes.
    pub execution: Execution,
    /// Whether its worker is to stop it.
    pub cancel_requested: bool,
    /// How its last worker let go of it.
    pub settled: Option<Settled>,
    /// Its events in their order: all of them, or in a [`Change`] those that no change has told of before.
    pub events: Vec<StoredEvent>,
    /// What was sent to it; `None` once it is final.
    pub input: Option<KeptInput>,
}

/// What was sent to one execution.
#[derive(Debug, Clone)]
pub struct KeptInput {
    /// How many pieces had to make room; they are not kept any more.
    pub dropped: u64,
    /// Pieces in their order, each with the position before it: all that are kept, or in a [`Change`] those that no change
    /// has told of before.
    pub pieces: Vec<(InputPosition, InputPiece)>,
    /// The last piece of each sender, whoever sent last at the end.
    pub senders: Vec<InputId>,
}

/// What has become of the workers while a ledger was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// They are at work, and their leases begin anew.
    Alive,
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
    /// A ledger with what was kept of an earlier one, in any order; what has expired meanwhile is deleted. From now on
    /// [`take_changes`](Ledger::take_changes) tells what is to be kept.
    ///
    /// `last_order` is at least the greatest [`order`](Kept::order) that was ever told, as far as known.
    #[must_use]
    pub fn restore(
        (policy, config): (StorePolicy, MemoryConfig),
        mut kept: Vec<Kept>,
        last_order: u64,
        workers: Workers,
        now: OffsetDateTime,
    ) -> Self {
        let mut ledger = Self::new(policy, config);
        ledger.journal = Some(Journal::default());
        ledger.submissions = last_order;
        kept.sort_unstable_by_key(|kept| kept.order);
        for kept in kept {
            ledger.put_back(kept, workers, now);
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

    fn put_back(&mut self, kept: Kept, workers: Workers, now: OffsetDateTime) {
        self.submissions = self.submissions.max(kept.order);
        let id = kept.execution.id();
        self.remove(id);
        self.register(Record::restored(kept), now);
        if workers == Workers::Gone {
            self.abandon(id, now);
        }
        // Whoever looks for a record deletes it if it has expired.
        self.find(id, now);
    }

    /// Lets the lease on a running execution run out.
    fn abandon(&mut self, id: ExecutionId, now: OffsetDateTime) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        match record.execution.status() {
            Status::Running if self.policy.is_last_attempt(&record.execution) => {
                self.deadlines.set(id, now);
            }
            Status::Running => self.leases.set(id, now),
            Status::Pending | Status::Completed | Status::Error => {}
        }
    }
}

#[cfg(test)]
mod tests;
