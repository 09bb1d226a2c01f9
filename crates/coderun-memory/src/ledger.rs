//! Every record and every index over them: the rules of the store, as steps that are done one after the other.
//!
//! Each transition goes through `advance`, which takes a record out of the indexes of its old state and enters it into
//! those of the new one, so that what the indexes say follows from the states alone.

mod fair_queue;
mod final_records;
mod input_log;
mod journal;
mod leasing;
mod record;
mod submit_rate;
mod submitting;
mod sweeping;
mod tickets;
mod timetable;
mod typing;
mod watching;

use std::collections::{BTreeSet, HashMap};

use coderun_domain::{
    Cursor, Execution, ExecutionId, ForcedEnd, OutputStream, QueueDepth, State, StorePolicy,
    Summary, UserId,
};
use time::OffsetDateTime;

use fair_queue::FairQueue;
use final_records::FinalRecords;
use journal::Journal;
use record::Record;
use submit_rate::SubmitRate;
use tickets::Tickets;
use timetable::Timetable;

pub use journal::{Change, Kept, KeptInput, Workers};
pub use record::{Holder, Settled};
pub use tickets::Ticket;
pub use watching::{News, Watched};

use crate::backend::MemoryConfig;
use crate::signal::{Listener, Signal};

/// Every execution, and the rules by which they are accepted, taken, ended and deleted.
///
/// Each method is one step: it is done whole or changes nothing, and never waits. Whoever owns a ledger lets one step happen
/// at a time and says when it happens; [`MemoryBackend`](crate::MemoryBackend) is the one with a lock around it. What a step
/// wakes looks at the ledger again, so that an owner may let nobody look until a step has been written elsewhere: see
/// [`restore`](Ledger::restore).
#[derive(Debug)]
pub struct Ledger {
    policy: StorePolicy,
    config: MemoryConfig,
    records: HashMap<ExecutionId, Record>,
    owners: HashMap<UserId, Owner>,
    submit_rate: SubmitRate,
    waiting: FairQueue,
    /// When a live execution is ended by force.
    deadlines: Timetable,
    /// When a running execution may be taken over; not those in their last attempt.
    leases: Timetable,
    /// When a final record is deleted.
    expiries: Timetable,
    finals: FinalRecords,
    tickets: Tickets,
    work: Work,
    totals: Totals,
    /// Where somebody keeps what changes.
    journal: Option<Journal>,
    /// How many records there have ever been.
    submissions: u64,
}

/// What one user has.
#[derive(Debug, Default)]
struct Owner {
    executions: BTreeSet<Cursor>,
    pending: u32,
    live_bytes: u64,
}

#[derive(Debug, Default)]
struct Totals {
    pending: u32,
    live_bytes: u64,
}

/// Whether something has come up to be taken since a taker last found nothing.
#[derive(Debug, Default)]
struct Work {
    signal: Signal,
    unseen: bool,
}

impl Work {
    fn announce(&mut self) {
        self.unseen = true;
        self.signal.wake();
    }
}

/// How much there is of everything that could grow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) records: usize,
    pub(crate) pending: u32,
    pub(crate) running: u32,
    pub(crate) users: usize,
    pub(crate) timed: usize,
    pub(crate) listeners: usize,
    pub(crate) tickets: usize,
    pub(crate) live_bytes: u64,
    pub(crate) final_bytes: u64,
}

impl Ledger {
    /// A ledger without executions, of which nobody keeps what changes.
    #[must_use]
    pub fn new(policy: StorePolicy, config: MemoryConfig) -> Self {
        Self {
            policy,
            config,
            records: HashMap::new(),
            owners: HashMap::new(),
            submit_rate: SubmitRate::new(policy.user_submits_per_minute),
            waiting: FairQueue::new(policy.user_running_max),
            deadlines: Timetable::default(),
            leases: Timetable::default(),
            expiries: Timetable::default(),
            finals: FinalRecords::default(),
            tickets: Tickets::default(),
            work: Work::default(),
            totals: Totals::default(),
            journal: None,
            submissions: 0,
        }
    }

    /// The record with this id. One that has expired is deleted on the way.
    pub(crate) fn find(&mut self, id: ExecutionId, now: OffsetDateTime) -> Option<&mut Record> {
        if self.expiries.is_due(id, now) {
            self.remove(id);
        }
        self.records.get_mut(&id)
    }

    /// Finds an execution.
    pub fn get(&mut self, id: ExecutionId, now: OffsetDateTime) -> Option<Execution> {
        let record = self.find(id, now)?;
        Some(record.execution.clone())
    }

    /// Deletes an execution with all that belongs to it; `false` if there was none.
    pub fn delete(&mut self, id: ExecutionId, now: OffsetDateTime) -> bool {
        self.find(id, now).is_some() && self.remove(id)
    }

    /// Deletes a record and wakes whoever waits for news of it.
    fn remove(&mut self, id: ExecutionId) -> bool {
        self.leave(id);
        let Some(record) = self.records.remove(&id) else {
            return false;
        };
        self.tickets.remove(id);
        if let Some(journal) = &mut self.journal {
            journal.deleted(&record);
        }
        let user = record.execution.submission().user();
        if let Some(owner) = self.owners.get_mut(user) {
            let cursor = Summary::from(&record.execution).cursor();
            owner.executions.remove(&cursor);
            if owner.executions.is_empty() {
                self.owners.remove(user);
            }
        }
        true
    }

    /// A listener for the next thing to be taken; `None` if something has come up since a taker last found nothing.
    pub fn listen_for_work(&mut self) -> Option<Listener> {
        (!self.work.unseen).then(|| self.work.signal.listen())
    }

    /// How much waits and how much runs.
    #[must_use]
    pub fn depth(&self) -> QueueDepth {
        QueueDepth {
            pending: self.totals.pending.into(),
            running: self.waiting.running().into(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            records: self.records.len(),
            pending: self.totals.pending,
            running: self.waiting.running(),
            users: self.owners.len()
                + self.waiting.users()
                + self.submit_rate.users()
                + self.finals.users(),
            timed: self.deadlines.len() + self.leases.len() + self.expiries.len(),
            listeners: self.records.values().map(Record::listeners).sum(),
            tickets: self.tickets.len(),
            live_bytes: self.totals.live_bytes,
            final_bytes: self.finals.bytes(),
        }
    }

    fn insert(&mut self, execution: Execution, now: OffsetDateTime) {
        let id = execution.id();
        self.submissions += 1;
        let record = Record::new(execution, self.submissions);
        self.register(record, now);
        self.note(id);
    }

    /// Enters a record wherever records are looked for.
    fn register(&mut self, record: Record, now: OffsetDateTime) {
        let execution = &record.execution;
        let (id, cursor) = (execution.id(), Summary::from(execution).cursor());
        let owner = self.owners.entry(execution.submission().user().clone());
        owner.or_default().executions.insert(cursor);
        self.records.insert(id, record);
        self.enter(id, now);
    }

    /// Notes that there is something new about a record.
    fn note(&mut self, id: ExecutionId) {
        if let Some(journal) = &mut self.journal {
            journal.changed(id);
        }
    }

    /// Stores a transition, its event and its places in the indexes in one go.
    fn advance(&mut self, next: Execution, now: OffsetDateTime) {
        let id = next.id();
        self.leave(id);
        if let Some(record) = self.records.get_mut(&id) {
            record.move_to(next);
        }
        self.enter(id, now);
        self.note(id);
    }

    /// Ends an execution without a report, keeping what its last attempt wrote; `None` if there is nothing to end.
    fn end(&mut self, id: ExecutionId, why: ForcedEnd, now: OffsetDateTime) -> Option<Execution> {
        let record = self.records.get(&id)?;
        let outcome = why.outcome(
            record.output(OutputStream::Stdout),
            record.output(OutputStream::Stderr),
        );
        let ended = record.execution.clone().finish(outcome, now).ok()?;
        self.advance(ended.clone(), now);
        Some(ended)
    }

    /// Takes a record out of every index of its state.
    fn leave(&mut self, id: ExecutionId) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        let user = record.execution.submission().user();
        match record.execution.state() {
            State::Pending => {
                self.totals.pending -= 1;
                self.totals.live_bytes -= record.live_bytes();
                if let Some(owner) = self.owners.get_mut(user) {
                    owner.pending -= 1;
                    owner.live_bytes -= record.live_bytes();
                }
                self.waiting.remove(record.place());
                self.deadlines.remove(id);
            }
            State::Running { .. } => {
                self.totals.live_bytes -= record.live_bytes();
                if let Some(owner) = self.owners.get_mut(user) {
                    owner.live_bytes -= record.live_bytes();
                }
                self.deadlines.remove(id);
                self.leases.remove(id);
                if self.waiting.ended(user) {
                    self.work.announce();
                }
            }
            State::Final { .. } => {
                self.finals.remove(user, id, record.total_bytes());
                self.expiries.remove(id);
            }
        }
    }

    /// Enters a record into every index of its state.
    fn enter(&mut self, id: ExecutionId, now: OffsetDateTime) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        let execution = &record.execution;
        let user = execution.submission().user();
        match execution.state() {
            State::Pending => {
                self.totals.pending += 1;
                self.totals.live_bytes += record.live_bytes();
                if let Some(owner) = self.owners.get_mut(user) {
                    owner.pending += 1;
                    owner.live_bytes += record.live_bytes();
                }
                let deadline = self.policy.deadline(execution).unwrap_or(now);
                self.deadlines.set(id, deadline);
                if self.waiting.push(record.place(), id) {
                    self.work.announce();
                }
            }
            State::Running { .. } => {
                self.totals.live_bytes += record.live_bytes();
                if let Some(owner) = self.owners.get_mut(user) {
                    owner.live_bytes += record.live_bytes();
                }
                self.waiting.started(user);
                self.hold(id, now);
            }
            State::Final { .. } => {
                let ended_at = execution.progress().updated_at();
                self.finals.insert(user, id, ended_at, record.total_bytes());
                self.expiries.set(id, self.policy.expires_at(execution));
                self.evict(id);
            }
        }
    }

    /// Deletes final records while all of them occupy too much, each time the oldest of whoever occupies the most,
    /// except the latest of all.
    fn evict(&mut self, latest: ExecutionId) {
        while self.finals.bytes() > self.config.final_bytes_max.as_bytes() {
            let Some(oldest) = self.finals.first_to_go_except(latest) else {
                return;
            };
            self.remove(oldest);
        }
    }
}

#[cfg(test)]
mod tests;
