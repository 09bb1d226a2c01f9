//! Ends executions that have outlived a deadline or have no worker, and deletes records that have expired.

use coderun_domain::{ExecutionId, ForcedEnd, Language, Swept};

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
        let unserved = self.unserved(batch.saturating_sub(overdue.len()));
        for id in &unserved {
            self.force_end(*id, ForcedEnd::NoWorker);
        }
        let expired: Vec<ExecutionId> = self.expiries.due(self.now).take(batch).collect();
        for id in &expired {
            self.remove(*id);
        }
        Swept {
            ended: overdue.len() + unserved.len(),
            expired: expired.len(),
        }
    }

    /// Those that wait for a language that no worker has offered for too long.
    fn unserved(&mut self, at_most: usize) -> Vec<ExecutionId> {
        let (offers, now) = (&self.offers, self.now);
        let is_offered = |language: &Language| offers.include(language, now);
        let deadline = self.config.policy.no_worker_deadline;
        self.waits.unserved(is_offered, deadline, now, at_most)
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
