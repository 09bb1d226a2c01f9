//! Indexes executions by the time at which something is to happen to them.

use std::collections::{BTreeSet, HashMap};

use coderun_domain::ExecutionId;
use time::OffsetDateTime;

/// Executions in the order of a time, at most one time for each.
#[derive(Debug, Default)]
pub(crate) struct TimeIndex {
    by_time: BTreeSet<(OffsetDateTime, ExecutionId)>,
    by_id: HashMap<ExecutionId, OffsetDateTime>,
}

impl TimeIndex {
    /// Enters an execution, in place of its earlier entry.
    pub(crate) fn set(&mut self, id: ExecutionId, at: OffsetDateTime) {
        if let Some(earlier) = self.by_id.insert(id, at) {
            self.by_time.remove(&(earlier, id));
        }
        self.by_time.insert((at, id));
    }

    pub(crate) fn remove(&mut self, id: ExecutionId) {
        if let Some(at) = self.by_id.remove(&id) {
            self.by_time.remove(&(at, id));
        }
    }

    /// The time of this execution.
    pub(crate) fn time_of(&self, id: ExecutionId) -> Option<OffsetDateTime> {
        self.by_id.get(&id).copied()
    }

    /// Whether the time of this execution has come.
    pub(crate) fn is_due(&self, id: ExecutionId, now: OffsetDateTime) -> bool {
        self.by_id.get(&id).is_some_and(|at| *at <= now)
    }

    /// Those whose time has come, the longest overdue first.
    pub(crate) fn due(&self, now: OffsetDateTime) -> impl Iterator<Item = ExecutionId> {
        self.by_time
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .map(|(_, id)| *id)
    }

    /// The earliest entry but this one.
    pub(crate) fn earliest_except(&self, spared: ExecutionId) -> Option<ExecutionId> {
        let mut ids = self.by_time.iter().map(|(_, id)| *id);
        ids.find(|id| *id != spared)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_time.len()
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{at, execution_id};

    use super::*;

    #[test]
    fn an_entry_is_replaced_not_doubled() {
        let mut index = TimeIndex::default();
        index.set(execution_id(1), at(5));
        index.set(execution_id(1), at(9));
        assert!(!index.is_due(execution_id(1), at(8)));
        assert_eq!(index.due(at(9)).count(), 1);
        index.remove(execution_id(1));
        assert_eq!(index.len(), 0);
    }

    #[test]
    fn what_is_due_comes_in_order_of_time() {
        let mut index = TimeIndex::default();
        for (number, second) in [(1, 30), (2, 10), (3, 20), (4, 40)] {
            index.set(execution_id(number), at(second));
        }
        let due: Vec<_> = index.due(at(30)).collect();
        assert_eq!(due, [2, 3, 1].map(execution_id));
        let earliest = index.earliest_except(execution_id(2));
        assert_eq!(earliest, Some(execution_id(3)));
    }
}
