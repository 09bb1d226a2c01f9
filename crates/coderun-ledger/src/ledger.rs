//! Keeps every record with the indexes over them, and applies the rules of the store as steps.
//!
//! Each transition goes through `advance`, which takes a record out of the indexes of its old state and enters it into
//! those of the new one, so that what the indexes say follows from the states alone.

mod announcing;
mod fair_queue;
mod final_records;
mod input_log;
mod journal;
mod leasing;
mod record;
mod snapshot;
mod submit_rate;
mod submitting;
mod sweeping;
mod tickets;
mod time_index;
mod typing;
mod watching;

use std::collections::{BTreeSet, HashMap};

use coderun_domain::{
    Cursor, Execution, ExecutionId, ForcedEnd, OutputStream, QueueDepth, State, Summary, UserId,
};
use time::OffsetDateTime;

use fair_queue::FairQueue;
use final_records::FinalRecords;
use journal::Journal;
use record::Record;
use submit_rate::SubmitRate;
use tickets::Tickets;
use time_index::TimeIndex;

pub use announcing::WorkerOffers;
pub use journal::{Restored, Workers};
pub use snapshot::{Change, Holder, Kept, KeptInput, Settled};
pub(crate) use tickets::Ticket;
pub(crate) use watching::{NextEvent, WatchedRecord};

use crate::config::LedgerConfig;
use crate::wake::{WakeListener, WakeSignal};

/// Every execution, and the rules by which they are accepted, taken, ended and deleted.
///
/// Each method is one step: it is done whole or changes nothing, and never waits. A task that a step wakes looks at the
/// ledger by a step of its own, so that an adapter may hold back all answers until the step before is durable.
#[derive(Debug)]
pub struct Ledger {
    config: LedgerConfig,
    records: HashMap<ExecutionId, Record>,
    owners: HashMap<UserId, Owner>,
    submit_rate: SubmitRate,
    waiting: FairQueue,
    /// When a live execution is ended by force.
    deadlines: TimeIndex,
    /// When a running execution may be taken over; not those in their last attempt.
    leases: TimeIndex,
    /// When a final record is deleted.
    expiries: TimeIndex,
    finals: FinalRecords,
    tickets: Tickets,
    offers: WorkerOffers,
    work: Work,
    totals: Totals,
    /// What has changed, if an adapter keeps that elsewhere.
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
    signal: WakeSignal,
    unseen: bool,
}

impl Work {
    fn announce(&mut self) {
        self.unseen = true;
        self.signal.wake();
    }
}

/// Counts everything in a ledger that could grow. An unused ledger has none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerCounts {
    /// Executions in any state.
    pub records: usize,
    /// Executions that wait.
    pub pending: u32,
    /// Executions that workers have.
    pub running: u32,
    /// Users in all indexes by user together.
    pub users: usize,
    /// Entries in all indexes by time together.
    pub timed: usize,
    /// Tasks that wait for a change of one execution.
    pub listeners: usize,
    /// Pieces of input.
    pub input_pieces: usize,
    /// Unused tickets.
    pub tickets: usize,
    /// What executions that are not final occupy.
    pub live_bytes: u64,
    /// What final executions occupy.
    pub final_bytes: u64,
}

impl Ledger {
    /// A ledger without executions, which notes no changes.
    #[must_use]
    pub fn new(config: LedgerConfig) -> Self {
        let policy = config.policy;
        Self {
            config,
            records: HashMap::new(),
            owners: HashMap::new(),
            submit_rate: SubmitRate::new(policy.user_submits_per_minute),
            waiting: FairQueue::new(policy.user_running_max),
            deadlines: TimeIndex::default(),
            leases: TimeIndex::default(),
            expiries: TimeIndex::default(),
            finals: FinalRecords::default(),
            tickets: Tickets::default(),
            offers: WorkerOffers::new(),
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
    pub(crate) fn get(&mut self, id: ExecutionId, now: OffsetDateTime) -> Option<Execution> {
        let record = self.find(id, now)?;
        Some(record.execution.clone())
    }

    /// Deletes an execution with all that belongs to it; `false` if there was none.
    pub(crate) fn delete(&mut self, id: ExecutionId, now: OffsetDateTime) -> bool {
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
    pub(crate) fn listen_for_work(&mut self) -> Option<WakeListener> {
        (!self.work.unseen).then(|| self.work.signal.listen())
    }

    /// How much waits and how much runs.
    pub(crate) fn depth(&self) -> QueueDepth {
        QueueDepth {
            pending: self.totals.pending.into(),
            running: self.waiting.running().into(),
        }
    }

    /// How much there is of everything that could grow.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        LedgerCounts {
            records: self.records.len(),
            pending: self.totals.pending,
            running: self.waiting.running(),
            users: self.owners.len()
                + self.waiting.users()
                + self.submit_rate.users()
                + self.finals.users(),
            timed: self.deadlines.len() + self.leases.len() + self.expiries.len(),
            listeners: self.records.values().map(Record::listeners).sum(),
            input_pieces: self.records.values().map(Record::input_pieces).sum(),
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
                let deadline = self.config.policy.deadline(execution).unwrap_or(now);
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
                self.expiries
                    .set(id, self.config.policy.expires_at(execution));
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
