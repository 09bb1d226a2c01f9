//! Notes which records have changed since their changes were last taken.

use std::collections::BTreeSet;

use coderun_domain::ExecutionId;

/// The changes that are not saved yet.
#[derive(Debug, Default)]
pub(crate) struct PendingChanges {
    pub(crate) updated: BTreeSet<ExecutionId>,
    /// The orders of deleted records that were saved before.
    pub(crate) deleted: Vec<u64>,
}
