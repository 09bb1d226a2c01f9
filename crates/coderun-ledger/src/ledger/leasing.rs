//! Leases executions to workers, and takes back what they did.

use std::time::Duration;

use coderun_domain::{
    Execution, ExecutionId, ForcedEnd, Language, Lease, Outcome, QueueError, Renewal, RunEvent,
    Sequence, TakeFor, TransitionError, UserId, WorkerId,
};
use time::OffsetDateTime;

use super::Ledger;
use super::record::Record;
use super::snapshot::LeaseEnd;
use super::usage::to_u64;
use crate::wake::WakeListener;

impl Ledger {
    /// Leases the next executions to a worker, `at_most` of them.
    pub(crate) fn take(
        &mut self,
        worker: &WorkerId,
        languages: &[Language],
        users: TakeFor,
        at_most: usize,
    ) -> Vec<Lease> {
        let next = || self.take_next(worker, languages, users);
        let leases: Vec<_> = std::iter::from_fn(next).take(at_most).collect();
        if leases.len() < at_most {
            self.idle_work.found_all();
            if users != TakeFor::IdleUsers {
                self.work.found_all();
            }
        }
        leases
    }

    /// Leases the next execution to a worker: for everyone first one whose lease has run out, else one that waits.
    fn take_next(
        &mut self,
        worker: &WorkerId,
        languages: &[Language],
        users: TakeFor,
    ) -> Option<Lease> {
        let abandoned = match users {
            TakeFor::Everyone { .. } => {
                self.next_abandoned(|language| languages.contains(language))
            }
            TakeFor::IdleUsers => None,
        };
        let id = abandoned.or_else(|| self.next_waiting(languages, users))?;
        let record = self.records.get_mut(&id)?;
        record.lease_end = None;
        let waiting = record.execution.clone();
        let lease = Lease::new(waiting.start(worker.clone(), self.now).ok()?).ok()?;
        self.advance(lease.execution().clone());
        Some(lease)
    }

    /// An execution whose lease has run out. There are few, because few executions run at a time.
    fn next_abandoned(&self, is_wanted: impl Fn(&Language) -> bool) -> Option<ExecutionId> {
        self.leases.due(self.now).find(|id| {
            let record = self.records.get(id);
            record.is_some_and(|record| {
                is_wanted(record.execution.submission().language())
                    && !self.is_overdue(&record.execution)
            })
        })
    }

    /// Whether a new execution of this user may run at once: nothing in any language could be taken before it, and the user
    /// may run one more.
    pub(super) fn may_run_at_once(&self, user: &UserId) -> bool {
        self.waiting.may_run_at_once(user) && self.next_abandoned(|_| true).is_none()
    }

    /// The next waiting execution that is still in time. The others leave the queue, and a sweep ends them.
    fn next_waiting(&mut self, languages: &[Language], users: TakeFor) -> Option<ExecutionId> {
        loop {
            let id = self.waiting.next(languages, users)?;
            let record = self.records.get(&id)?;
            if !self.is_overdue(&record.execution) {
                return Some(id);
            }
            self.waiting.remove(record.queue_entry());
        }
    }

    pub(super) fn is_overdue(&self, execution: &Execution) -> bool {
        let deadline = self.config.policy.deadline(execution);
        deadline.is_some_and(|deadline| deadline <= self.now)
    }

    /// Extends a lease, and answers whether the execution is to be stopped.
    pub(crate) fn renew(&mut self, lease: &Lease) -> Result<Renewal, QueueError> {
        let record = self.held(lease)?;
        let renewal = if record.cancel_requested {
            Renewal::Cancel
        } else {
            Renewal::Continue
        };
        if self.is_overdue(lease.execution()) {
            return Err(QueueError::LeaseLost);
        }
        // The clock may have gone back since the lease was granted.
        let ends_at = self.leases.time_of(lease.id()).unwrap_or(self.now);
        let left = Duration::try_from(ends_at - self.now).unwrap_or_default();
        self.set_lease(lease.id(), self.config.policy.lease.max(left));
        Ok(renewal)
    }

    /// Lets the lease on a running execution end after this time. The last attempt ends with its lease.
    pub(super) fn set_lease(&mut self, id: ExecutionId, lease: Duration) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        let until = self.now + lease;
        let policy = &self.config.policy;
        let deadline = policy.deadline(&record.execution).unwrap_or(until);
        if policy.is_last_attempt(&record.execution) {
            self.deadlines.set(id, until.min(deadline));
        } else {
            self.leases.set(id, until);
            self.deadlines.set(id, deadline);
        }
    }

    /// A listener for a request to cancel; `None` if there is one already, or the lease is lost.
    pub(crate) fn listen_for_cancel(&mut self, lease: &Lease) -> Option<WakeListener> {
        let record = self.held(lease).ok()?;
        (!record.cancel_requested).then(|| record.cancel_signal.listen())
    }

    /// Stores those of the events that are not stored yet; the first of all has the number after `after`.
    pub(crate) fn append(
        &mut self,
        lease: &Lease,
        after: Sequence,
        mut events: Vec<RunEvent>,
    ) -> Result<Sequence, QueueError> {
        let now = self.now;
        let record = self.held(lease)?;
        let last = record.execution.sequence();
        let known = last.number().checked_sub(after.number());
        // A worker that knows of more events than are stored has appended them to another record.
        let known = known.ok_or(QueueError::LeaseLost)?;
        let known = usize::try_from(known).map_or(events.len(), |known| known.min(events.len()));
        let fresh = events.split_off(known);
        if fresh.is_empty() {
            return Ok(last);
        }
        let count = to_u64(fresh.len());
        let execution = record.execution.clone().count_events(count, now);
        let execution = execution.map_err(|_| QueueError::LeaseLost)?;
        record.append(execution, fresh);
        self.note_change(lease.id());
        Ok(last.plus(count))
    }

    /// Ends an execution as its worker says, after those of the events that are not stored yet.
    pub(crate) fn finish(
        &mut self,
        lease: &Lease,
        after: Sequence,
        events: Vec<RunEvent>,
        outcome: Outcome,
    ) -> Result<(), QueueError> {
        let finished = LeaseEnd::Finished(lease.into());
        if self.has_ended_as(lease.id(), &finished) {
            return Ok(());
        }
        self.append(lease, after, events)?;
        self.end_lease(lease, finished, |execution, now| {
            execution.finish(outcome, now)
        })
    }

    /// Lets an execution wait again, before all others. An execution that is to be stopped ends instead.
    pub(crate) fn release(&mut self, lease: &Lease) -> Result<(), QueueError> {
        let released = LeaseEnd::Released(lease.into());
        if self.has_ended_as(lease.id(), &released) {
            return Ok(());
        }
        self.end_lease(lease, released, Execution::release)?;
        let record = self.records.get(&lease.id());
        if record.is_some_and(|record| record.cancel_requested) {
            self.force_end(lease.id(), ForcedEnd::Cancelled);
        } else {
            let user = lease.execution().submission().user();
            self.waiting.bring_forward(user);
        }
        Ok(())
    }

    /// Whether a call that ends its lease in this way is a repetition.
    fn has_ended_as(&mut self, id: ExecutionId, lease_end: &LeaseEnd) -> bool {
        let record = self.find(id);
        record.is_some_and(|record| record.lease_end.as_ref() == Some(lease_end))
    }

    /// Applies the transition with which a worker ends its lease.
    fn end_lease(
        &mut self,
        lease: &Lease,
        lease_end: LeaseEnd,
        transition: impl FnOnce(Execution, OffsetDateTime) -> Result<Execution, TransitionError>,
    ) -> Result<(), QueueError> {
        let now = self.now;
        let record = self.held(lease)?;
        let next = transition(record.execution.clone(), now).map_err(|_| QueueError::LeaseLost)?;
        record.lease_end = Some(lease_end);
        self.advance(next);
        Ok(())
    }

    /// The record that this lease still holds.
    pub(super) fn held(&mut self, lease: &Lease) -> Result<&mut Record, QueueError> {
        let record = self.find(lease.id());
        record
            .filter(|record| record.is_held_by(lease))
            .ok_or(QueueError::LeaseLost)
    }
}
