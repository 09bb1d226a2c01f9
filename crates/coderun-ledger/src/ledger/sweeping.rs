//! Ends executions that have outlived a deadline, and deletes records that have expired.

use coderun_domain::{ExecutionId, Swept};

use super::Ledger;

impl Ledger {
    /// Ends at most `batch` executions and deletes at most as many records. If it reaches either bound there may be more to do.
    pub(crate) fn sweep(&mut self, batch: usize) -> Swept {
        self.submit_rate.remove_old(self.now);
        self.tickets.remove_expired(self.now);
        if self.leases.due(self.now).next().is_some() {
            self.work.announce();
        }
        let overdue: Vec<ExecutionId> = self.deadlines.due(self.now).take(batch).collect();
        for id in &overdue {
            self.end_overdue(*id);
        }
        let expired: Vec<ExecutionId> = self.expiries.due(self.now).take(batch).collect();
        for id in &expired {
            self.remove(*id);
        }
        Swept {
            ended: overdue.len(),
            expired: expired.len(),
        }
    }

    fn end_overdue(&mut self, id: ExecutionId) {
        let record = self.records.get(&id);
        let why =
            record.and_then(|record| self.config.policy.forced_end(&record.execution, self.now));
        if let Some(why) = why {
            self.force_end(id, why);
        }
    }
}
