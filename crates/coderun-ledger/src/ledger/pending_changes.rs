//! Notes which records have changed since their changes were last taken.

use std::collections::BTreeSet;

use coderun_domain::ExecutionId;

/// The changes that are not saved yet.
#[derive(Debug, Default)]
pub(crate) struct PendingChanges {
    pub(crate) changed: BTreeSet<ExecutionId>,
    /// The orders of deleted records.
    pub(crate) deleted: Vec<u64>,
}

impl PendingChanges {
    pub(crate) fn changed(&mut self, id: ExecutionId) {
        self.changed.insert(id);
    }

    pub(crate) fn deleted(&mut self, order: u64) {
        self.deleted.push(order);
    }
}
