//! Accepts, lists and cancels executions for their users.

use std::ops::Bound;
use std::sync::Arc;

use coderun_domain::{
    CancelReply, Execution, ExecutionId, ForcedEnd, Page, Quota, Status, StoreError, StorePolicy,
    Submission, Submitted, Summary, UserId,
};
use time::OffsetDateTime;

use super::Ledger;
use crate::access::whole_micros;

impl Ledger {
    /// Accepts an execution as a waiting one, or changes nothing.
    pub(crate) fn submit(
        &mut self,
        execution: &Execution,
        now: OffsetDateTime,
    ) -> Result<Submitted, StoreError> {
        if let Some(record) = self.find(execution.id(), now) {
            let existing = Box::new(record.execution.clone());
            return Ok(Submitted::AlreadyExists(existing));
        }
        let submission = execution.submission();
        self.check_quotas(submission.user(), now)?;
        self.check_share(submission)?;
        self.check_room(submission)?;
        self.submit_rate.record(submission.user(), now);
        let created_at = whole_micros(execution.progress().created_at());
        let fresh = Execution::submit(execution.id(), Arc::clone(submission), created_at);
        self.insert(fresh, now);
        Ok(Submitted::Accepted)
    }

    /// Refuses a submission beyond the quotas of its user.
    fn check_quotas(&mut self, user: &UserId, now: OffsetDateTime) -> Result<(), StoreError> {
        let exceeded = |quota, limit, retry_after| StoreError::QuotaExceeded {
            quota,
            limit,
            retry_after,
        };
        let submits_max = self.config.policy.user_submits_per_minute;
        self.submit_rate
            .check(user, now)
            .map_err(|after| exceeded(Quota::SubmitsPerMinute, submits_max, after))?;
        let pending = self
            .users
            .get(user)
            .map_or(0, |records| records.usage.pending);
        let pending_max = self.config.policy.user_pending_max;
        if pending >= pending_max {
            return Err(exceeded(
                Quota::Pending,
                pending_max,
                StorePolicy::FULL_RETRY_AFTER,
            ));
        }
        Ok(())
    }

    /// Refuses a submission beyond what one user may occupy.
    fn check_share(&self, submission: &Submission) -> Result<(), StoreError> {
        let Some(records) = self.users.get(submission.user()) else {
            return Ok(());
        };
        let size = StorePolicy::live_size(submission).as_bytes();
        let share = self.config.policy.user_live_bytes_max().as_bytes();
        let fits =
            records.usage.live_bytes == 0 || records.usage.live_bytes.saturating_add(size) <= share;
        // The quota counts executions: of this size it allows as many as there are.
        fits.then_some(()).ok_or(StoreError::QuotaExceeded {
            quota: Quota::Pending,
            limit: records.usage.pending,
            retry_after: StorePolicy::FULL_RETRY_AFTER,
        })
    }

    /// Refuses a submission beyond what all users may occupy.
    fn check_room(&self, submission: &Submission) -> Result<(), StoreError> {
        let size = StorePolicy::live_size(submission).as_bytes();
        let live_bytes = self.usage.live_bytes.saturating_add(size);
        let fits = self.usage.pending < self.config.policy.pending_max
            && live_bytes <= self.config.policy.live_bytes_max.as_bytes();
        fits.then_some(()).ok_or(StoreError::Full {
            retry_after: StorePolicy::FULL_RETRY_AFTER,
        })
    }

    /// The position of an execution among those that wait, from 1.
    pub(crate) fn queue_position(&mut self, id: ExecutionId, now: OffsetDateTime) -> Option<u64> {
        self.find(id, now)?;
        let record = self.records.get(&id)?;
        match record.execution.status() {
            Status::Pending => {
                let position = self.waiting.position(record.queue_entry());
                Some(position.min(self.usage.pending.into()))
            }
            Status::Running | Status::Completed | Status::Error => None,
        }
    }

    /// One page of what a user has, newest first. What has expired is not in it.
    pub(crate) fn list(&self, user: &UserId, page: Page, now: OffsetDateTime) -> Vec<Summary> {
        let Some(records) = self.users.get(user) else {
            return Vec::new();
        };
        let end = page.before.map_or(Bound::Unbounded, Bound::Excluded);
        records
            .cursors
            .range((Bound::Unbounded, end))
            .rev()
            .filter(|cursor| !self.expiries.is_due(cursor.id, now))
            .filter_map(|cursor| self.records.get(&cursor.id))
            .map(|record| Summary::from(&record.execution))
            .take(page.limit)
            .collect()
    }

    /// Ends what waits, and asks the worker of what runs to stop it.
    pub(crate) fn request_cancel(&mut self, id: ExecutionId, now: OffsetDateTime) -> CancelReply {
        let Some(record) = self.find(id, now) else {
            return CancelReply::Absent;
        };
        match record.execution.status() {
            Status::Pending => self
                .end(id, ForcedEnd::Cancelled, now)
                .map_or(CancelReply::Absent, |ended| {
                    CancelReply::Ended(Box::new(ended))
                }),
            Status::Running => {
                record.cancel_requested = true;
                record.cancel_signal.wake();
                let running = Box::new(record.execution.clone());
                self.note(id);
                CancelReply::Requested(running)
            }
            Status::Completed | Status::Error => {
                CancelReply::AlreadyFinal(Box::new(record.execution.clone()))
            }
        }
    }
}
