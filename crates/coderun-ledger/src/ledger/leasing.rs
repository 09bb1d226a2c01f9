//! What workers do: take, renew, append, finish and release.

use coderun_domain::{
    Execution, ExecutionId, ForcedEnd, Language, Lease, Outcome, QueueError, Renewal, RunEvent,
    Sequence, WorkerId,
};
use time::OffsetDateTime;

use super::Ledger;
use super::record::Record;
use super::snapshot::{Holder, Settled};
use crate::wake::WakeListener;

impl Ledger {
    /// Leases the next execution to a worker: first one whose lease has run out, else one that waits.
    pub(crate) fn take(
        &mut self,
        worker: &WorkerId,
        languages: &[Language],
        now: OffsetDateTime,
    ) -> Option<Lease> {
        let next = self
            .abandoned(languages, now)
            .or_else(|| self.next_waiting(languages, now));
        let Some(id) = next else {
            self.work.unseen = false;
            return None;
        };
        let record = self.records.get_mut(&id)?;
        record.settled = None;
        let waiting = record.execution.clone();
        let lease = Lease::new(waiting.start(worker.clone(), now).ok()?).ok()?;
        self.advance(lease.execution().clone(), now);
        Some(lease)
    }

    /// An execution whose lease has run out. There are never many: what runs is bounded by the workers.
    fn abandoned(&self, languages: &[Language], now: OffsetDateTime) -> Option<ExecutionId> {
        self.leases.due(now).find(|id| {
            let record = self.records.get(id);
            record.is_some_and(|record| {
                languages.contains(record.execution.submission().language())
                    && !self.is_overdue(&record.execution, now)
            })
        })
    }

    /// The next waiting execution that is still in time. Those that are not give up their places to be swept.
    fn next_waiting(&mut self, languages: &[Language], now: OffsetDateTime) -> Option<ExecutionId> {
        loop {
            let id = self.waiting.next(languages)?;
            let record = self.records.get(&id)?;
            if !self.is_overdue(&record.execution, now) {
                return Some(id);
            }
            self.waiting.remove(record.place());
        }
    }

    pub(super) fn is_overdue(&self, execution: &Execution, now: OffsetDateTime) -> bool {
        let deadline = self.config.policy.deadline(execution);
        deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Holds a lease for longer, and says whether the execution is to be stopped.
    pub(crate) fn renew(
        &mut self,
        lease: &Lease,
        now: OffsetDateTime,
    ) -> Result<Renewal, QueueError> {
        let record = self.held(lease, now)?;
        let renewal = if record.cancel_requested {
            Renewal::Cancel
        } else {
            Renewal::Continue
        };
        if self.is_overdue(lease.execution(), now) {
            return Err(QueueError::LeaseLost);
        }
        self.hold(lease.id(), now);
        Ok(renewal)
    }

    /// Enters until when a running execution is its worker's. When the last attempt is silent for too long it is over.
    pub(super) fn hold(&mut self, id: ExecutionId, now: OffsetDateTime) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        let until = now + self.config.policy.lease;
        let deadline = self
            .config
            .policy
            .deadline(&record.execution)
            .unwrap_or(until);
        if self.config.policy.is_last_attempt(&record.execution) {
            self.deadlines.set(id, until.min(deadline));
        } else {
            self.leases.set(id, until);
            self.deadlines.set(id, deadline);
        }
    }

    /// A listener for the wish to stop; `None` if there is that wish already, or the lease is lost.
    pub(crate) fn listen_for_cancel(
        &mut self,
        lease: &Lease,
        now: OffsetDateTime,
    ) -> Option<WakeListener> {
        let record = self.held(lease, now).ok()?;
        (!record.cancel_requested).then(|| record.cancel.listen())
    }

    /// Stores those of the events that are not stored yet; the first of all has the number after `after`.
    pub(crate) fn append(
        &mut self,
        lease: &Lease,
        after: Sequence,
        mut happened: Vec<RunEvent>,
        now: OffsetDateTime,
    ) -> Result<Sequence, QueueError> {
        let record = self.held(lease, now)?;
        let last = record.execution.sequence();
        let known = last.number().checked_sub(after.number());
        // A worker that knows of more than there is has written to something else.
        let known = known.ok_or(QueueError::LeaseLost)?;
        let known =
            usize::try_from(known).map_or(happened.len(), |known| known.min(happened.len()));
        let fresh = happened.split_off(known);
        if fresh.is_empty() {
            return Ok(last);
        }
        let count = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
        let execution = record.execution.clone().append(count, now);
        let execution = execution.map_err(|_| QueueError::LeaseLost)?;
        record.add(execution, fresh);
        self.note(lease.id());
        Ok(last.plus(count))
    }

    /// Ends an execution as its worker says.
    pub(crate) fn finish(
        &mut self,
        lease: &Lease,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<(), QueueError> {
        let settled = Holder::of(lease.execution()).map(Settled::Finished);
        if self.was_settled(lease, settled.as_ref(), now) {
            return Ok(());
        }
        let record = self.held(lease, now)?;
        let ended = record.execution.clone().finish(outcome, now);
        let ended = ended.map_err(|_| QueueError::LeaseLost)?;
        record.settled = settled;
        self.advance(ended, now);
        Ok(())
    }

    /// Lets an execution wait again, before all others; one that is to be stopped ends instead.
    pub(crate) fn release(&mut self, lease: &Lease, now: OffsetDateTime) -> Result<(), QueueError> {
        let settled = Holder::of(lease.execution()).map(Settled::Released);
        if self.was_settled(lease, settled.as_ref(), now) {
            return Ok(());
        }
        let record = self.held(lease, now)?;
        let waiting = record.execution.clone().hand_over(now);
        let waiting = waiting.map_err(|_| QueueError::LeaseLost)?;
        record.settled = settled;
        let cancelled = record.cancel_requested;
        self.advance(waiting, now);
        if cancelled {
            self.end(lease.id(), ForcedEnd::Cancelled, now);
        } else {
            let user = lease.execution().submission().user();
            self.waiting.bring_forward(user);
        }
        Ok(())
    }

    fn was_settled(
        &mut self,
        lease: &Lease,
        settled: Option<&Settled>,
        now: OffsetDateTime,
    ) -> bool {
        let record = self.find(lease.id(), now);
        settled.is_some() && record.is_some_and(|record| record.settled.as_ref() == settled)
    }

    /// The record that this lease still holds.
    pub(super) fn held(
        &mut self,
        lease: &Lease,
        now: OffsetDateTime,
    ) -> Result<&mut Record, QueueError> {
        let record = self.find(lease.id(), now);
        record
            .filter(|record| record.is_held_by(lease))
            .ok_or(QueueError::LeaseLost)
    }
}
