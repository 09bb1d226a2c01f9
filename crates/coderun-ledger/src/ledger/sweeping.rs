//! Ends executions that have outlived a deadline, and deletes records that have expired.

use coderun_domain::{ExecutionId, Swept};
use time::OffsetDateTime;

use super::Ledger;

impl Ledger {
    /// Ends at most `batch` executions and deletes at most as many records. If it reaches either bound there may be more to do.
    pub(crate) fn sweep(&mut self, batch: usize, now: OffsetDateTime) -> Swept {
        self.submit_rate.remove_old(now);
        self.tickets.remove_expired(now);
        if self.leases.due(now).next().is_some() {
            self.work.announce();
        }
        let overdue: Vec<ExecutionId> = self.deadlines.due(now).take(batch).collect();
        for id in &overdue {
            self.end_overdue(*id, now);
        }
        let expired: Vec<ExecutionId> = self.expiries.due(now).take(batch).collect();
        for id in &expired {
            self.remove(*id);
        }
        Swept {
            ended: overdue.len(),
            expired: expired.len(),
        }
    }

    fn end_overdue(&mut self, id: ExecutionId, now: OffsetDateTime) {
        let record = self.records.get(&id);
        let why = record.and_then(|record| self.config.policy.forced_end(&record.execution, now));
        if let Some(why) = why {
            self.end(id, why, now);
        }
    }
}
