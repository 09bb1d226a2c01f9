//! Accepts, lists and cancels executions for their users.

use std::ops::Bound;
use std::sync::Arc;

use coderun_domain::{
    CancelReply, Execution, ExecutionId, ForcedEnd, Lease, Page, Quota, QuotaUsage, SharedBound,
    SharedBoundReached, Status, StoreError, StorePolicy, Submission, SubmitReply, Submitted,
    Summary, UserId, UserUsage, WorkerId,
};

use super::record::Record;
use super::usage::Usage;
use super::{Ledger, whole_micros};

impl Ledger {
    /// Accepts an execution, which waits or is leased to the worker that offers to run it at once; or changes nothing.
    pub(crate) fn submit(
        &mut self,
        execution: &Execution,
        offer: Option<WorkerId>,
    ) -> Result<SubmitReply, StoreError> {
        let submission = execution.submission();
        let submitted = if let Some(record) = self.find(execution.id()) {
            Submitted::AlreadyExists(Box::new(record.execution.clone()))
        } else {
            self.accept(execution, offer)?
        };
        let usage = self.quota_usage(submission.user());
        Ok(SubmitReply { submitted, usage })
    }

    fn accept(
        &mut self,
        execution: &Execution,
        offer: Option<WorkerId>,
    ) -> Result<Submitted, StoreError> {
        let submission = execution.submission();
        self.check_room(submission)?;
        self.submit_rate.record(submission.user(), self.now);
        let created_at = whole_micros(execution.progress().created_at());
        let fresh = Execution::submit(execution.id(), Arc::clone(submission), created_at);
        let offer = offer.filter(|_| self.may_run_at_once(submission.user()));
        let lease =
            offer.and_then(|worker| Lease::new(fresh.clone().start(worker, self.now).ok()?).ok());
        self.last_order += 1;
        let mut record = Record::new(fresh, self.last_order);
        if let Some(lease) = &lease {
            record.add_transition(lease.execution().clone());
        }
        self.register(record);
        self.note_change(execution.id());
        Ok(lease.map_or(Submitted::Accepted, |lease| {
            Submitted::Leased(Box::new(lease))
        }))
    }

    fn quota_usage(&mut self, user: &UserId) -> QuotaUsage {
        let (submits, submits_reset) = self.submit_rate.used(user, self.now);
        QuotaUsage {
            submits,
            submits_reset,
            pending: self.usage_of(user).pending,
        }
    }

    fn usage_of(&self, user: &UserId) -> Usage {
        let records = self.users.get(user);
        records.map(|records| records.usage).unwrap_or_default()
    }

    /// What a user holds, and what the others do.
    pub(crate) fn usage(&mut self, user: &UserId) -> UserUsage {
        let (held, all) = (self.usage_of(user), self.usage);
        UserUsage {
            quotas: self.quota_usage(user),
            running: self.waiting.running_of(user),
            live_bytes: held.live_bytes,
            others_pending: (all.pending - held.pending).into(),
            others_live_bytes: all.live_bytes - held.live_bytes,
        }
    }

    /// Refuses a submission beyond what its user may have, or all users together.
    fn check_room(&mut self, submission: &Submission) -> Result<(), StoreError> {
        let policy = &self.config.policy;
        let exceeded = |quota, limit, retry_after| StoreError::QuotaExceeded {
            quota,
            limit,
            retry_after,
        };
        let rate = self.submit_rate.check(submission.user(), self.now);
        let submits_max = policy.user_submits_per_minute;
        rate.map_err(|after| exceeded(Quota::SubmitsPerMinute, submits_max, after))?;
        let used = self.usage_of(submission.user());
        let pending_max = policy.user_pending_max;
        if used.pending >= pending_max {
            let retry_after = StorePolicy::FULL_RETRY_AFTER;
            return Err(exceeded(Quota::Pending, pending_max, retry_after));
        }
        self.check_shared_bounds(used, submission)
    }

    /// Refuses a submission beyond its user's share of what all users share.
    fn check_shared_bounds(&self, used: Usage, submission: &Submission) -> Result<(), StoreError> {
        let (policy, all) = (&self.config.policy, self.usage);
        let pending = SharedBound::new(policy.pending_max.into());
        let live_bytes = SharedBound::new(policy.live_bytes_max.as_bytes());
        let size = StorePolicy::live_size(submission).as_bytes();
        let others_pending = (all.pending - used.pending).into();
        let others_bytes = all.live_bytes - used.live_bytes;
        let checked = pending
            .check(used.pending.into(), others_pending, 1)
            .and_then(|()| live_bytes.check(used.live_bytes, others_bytes, size));
        let retry_after = StorePolicy::FULL_RETRY_AFTER;
        checked.map_err(|reached| match reached {
            SharedBoundReached::Share => StoreError::QuotaExceeded {
                quota: Quota::Share,
                limit: used.pending,
                retry_after,
            },
            SharedBoundReached::Total => StoreError::Full { retry_after },
        })
    }

    /// The position of an execution among those that wait, from 1.
    pub(crate) fn queue_position(&mut self, id: ExecutionId) -> Option<u64> {
        self.find(id)?;
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
    pub(crate) fn list(&self, user: &UserId, page: Page) -> Vec<Summary> {
        let Some(records) = self.users.get(user) else {
            return Vec::new();
        };
        let end = page.before.map_or(Bound::Unbounded, Bound::Excluded);
        records
            .cursors
            .range((Bound::Unbounded, end))
            .rev()
            .filter(|cursor| !self.expiries.is_due(cursor.id, self.now))
            .filter_map(|cursor| self.records.get(&cursor.id))
            .map(|record| Summary::from(&record.execution))
            .take(page.limit)
            .collect()
    }

    /// Ends what waits, and asks the worker of what runs to stop it.
    pub(crate) fn request_cancel(&mut self, id: ExecutionId) -> CancelReply {
        let Some(record) = self.find(id) else {
            return CancelReply::Absent;
        };
        match record.execution.status() {
            Status::Pending => self
                .force_end(id, ForcedEnd::Cancelled)
                .map_or(CancelReply::Absent, |ended| {
                    CancelReply::Ended(Box::new(ended))
                }),
            Status::Running => {
                record.cancel_requested = true;
                record.cancel_signal.wake();
                let running = Box::new(record.execution.clone());
                self.note_change(id);
                CancelReply::Requested(running)
            }
            Status::Completed | Status::Error => {
                CancelReply::AlreadyFinal(Box::new(record.execution.clone()))
            }
        }
    }
}
