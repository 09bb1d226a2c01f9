//! What time does: ends what has outlived its deadline, deletes what has expired.

use coderun_domain::{EndedWithoutRun, Execution, ExecutionId, Status, Swept};
use time::OffsetDateTime;

use super::Ledger;

impl Ledger {
    /// Ends at most `batch` executions and deletes at most as many records.
    pub(crate) fn sweep(&mut self, batch: usize, now: OffsetDateTime) -> Swept {
        self.submit_rate.forget(now);
        if self.leases.due(now).next().is_some() {
            self.work.announce();
        }
        let overdue: Vec<ExecutionId> = self.deadlines.due(now).take(batch).collect();
        for id in &overdue {
            self.end_overdue(*id, now);
        }
        let expired: Vec<ExecutionId> = self.expiries.due(now).take(batch).collect();
        for id in &expired {
            self.delete(*id);
        }
        Swept {
            ended: overdue.len(),
            expired: expired.len(),
        }
    }

    fn end_overdue(&mut self, id: ExecutionId, now: OffsetDateTime) {
        if let Some(record) = self.records.get(&id) {
            let reason = self.reason(&record.execution, now);
            self.end(id, EndedWithoutRun::Failed, &reason, now);
        }
    }

    /// Says which of its bounds an execution has met.
    fn reason(&self, execution: &Execution, now: OffsetDateTime) -> String {
        let overdue = self.is_overdue(execution, now);
        let spent = self.attempts_are_spent(execution);
        match execution.status() {
            Status::Running if overdue => "The run did not end in time".to_owned(),
            Status::Pending if !spent => "The execution waited too long for a worker".to_owned(),
            Status::Pending | Status::Running | Status::Completed | Status::Error => format!(
                "The execution was given up after {} attempts",
                execution.attempt()
            ),
        }
    }
}
