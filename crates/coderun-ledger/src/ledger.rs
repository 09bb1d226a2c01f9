//! Keeps every record with the indexes over them, and applies the rules of the store as steps.
//!
//! Each transition goes through `advance`, which removes a record from the indexes of its old state and adds it to those
//! of the new one, so that the indexes follow from the states alone.

mod fair_queue;
mod final_records;
mod input_log;
mod language_waits;
mod leasing;
mod record;
mod relaying;
mod restoring;
mod snapshot;
mod submit_rate;
mod submitting;
mod sweeping;
mod tickets;
mod time_index;
mod usage;
pub(crate) mod watching;
mod work_signal;
mod worker_offers;

use std::collections::HashMap;

use coderun_domain::{
    Execution, ExecutionId, ForcedEnd, OutputStream, QueueDepth, State, Summary, TakeFor, UserId,
};
use time::OffsetDateTime;

use fair_queue::FairQueue;
use final_records::FinalRecords;
use language_waits::LanguageWaits;
use record::Record;
use snapshot::PendingChanges;
use submit_rate::SubmitRate;
use tickets::Tickets;
use time_index::TimeIndex;
use usage::{Usage, UserRecords};
use work_signal::WorkSignal;
use worker_offers::WorkerOffers;

pub use snapshot::{
    InputSnapshot, LeaseEnd, LeaseHolder, LedgerChanges, RecordSnapshot, VolatileState,
};
pub(crate) use tickets::Ticket;

use crate::config::LedgerConfig;
use crate::wake::WakeListener;

/// Every execution, and the rules by which they are accepted, taken, ended and deleted.
///
/// Each method is one step: it is done whole or changes nothing, and never waits. A task that a step wakes looks at the
/// ledger by a step of its own, so that an adapter may hold back all answers until the step before is durable.
#[derive(Debug)]
pub struct Ledger {
    config: LedgerConfig,
    /// When the present step runs.
    pub(crate) now: OffsetDateTime,
    records: HashMap<ExecutionId, Record>,
    users: HashMap<UserId, UserRecords>,
    submit_rate: SubmitRate,
    waiting: FairQueue,
    waits: LanguageWaits,
    /// When a live execution is ended by force.
    deadlines: TimeIndex,
    /// When a running execution may be taken over; not those in their last attempt.
    leases: TimeIndex,
    /// When a final record is deleted.
    expiries: TimeIndex,
    finals: FinalRecords,
    pub(crate) tickets: Tickets,
    work: WorkSignal,
    /// Announces executions of users who run nothing.
    idle_work: WorkSignal,
    usage: Usage,
    pub(crate) offers: WorkerOffers,
    /// Noted for an adapter that saves changes.
    changes: Option<PendingChanges>,
    /// The number of the newest record, counted over all records that there ever were.
    last_order: u64,
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
    /// Offers of workers.
    pub offers: usize,
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
            now: OffsetDateTime::UNIX_EPOCH,
            records: HashMap::new(),
            users: HashMap::new(),
            submit_rate: SubmitRate::new(policy.user_submits_per_minute),
            waiting: FairQueue::new(policy.user_running_max),
            waits: LanguageWaits::default(),
            deadlines: TimeIndex::default(),
            leases: TimeIndex::default(),
            expiries: TimeIndex::default(),
            finals: FinalRecords::default(),
            tickets: Tickets::default(),
            work: WorkSignal::default(),
            idle_work: WorkSignal::default(),
            usage: Usage::default(),
            offers: WorkerOffers::default(),
            changes: None,
            last_order: 0,
        }
    }

    /// Sets the time of the steps that follow. Like every stored form, it is in whole microseconds.
    pub fn at(&mut self, now: OffsetDateTime) -> &mut Self {
        self.now = whole_micros(now);
        self
    }

    /// The record with this id. One that has expired is deleted on the way.
    pub(crate) fn find(&mut self, id: ExecutionId) -> Option<&mut Record> {
        if self.expiries.is_due(id, self.now) {
            self.remove(id);
        }
        self.records.get_mut(&id)
    }

    /// Finds an execution.
    pub(crate) fn get(&mut self, id: ExecutionId) -> Option<Execution> {
        self.find(id).map(|record| record.execution.clone())
    }

    /// Deletes an execution with all that belongs to it; `false` if there was none.
    pub(crate) fn delete(&mut self, id: ExecutionId) -> bool {
        self.find(id).is_some() && self.remove(id)
    }

    /// Deletes a record. That drops its signals and so wakes their listeners.
    fn remove(&mut self, id: ExecutionId) -> bool {
        self.remove_from_indexes(id);
        let Some(record) = self.records.remove(&id) else {
            return false;
        };
        self.tickets.remove(id);
        if let Some(changes) = self.changes.as_mut().filter(|_| record.is_saved()) {
            changes.deleted.push(record.order);
        }
        let user = record.execution.submission().user();
        if let Some(records) = self.users.get_mut(user) {
            let cursor = Summary::from(&record.execution).cursor();
            records.cursors.remove(&cursor);
            if records.cursors.is_empty() {
                self.users.remove(user);
            }
        }
        true
    }

    /// A listener for new work for these users; `None` if some has come up since a take last found all that there was.
    pub(crate) fn listen_for_work(&mut self, users: TakeFor) -> Option<WakeListener> {
        match users {
            TakeFor::Everyone { .. } => self.work.listen(),
            TakeFor::IdleUsers => self.idle_work.listen(),
        }
    }

    /// How much waits and how much runs.
    pub(crate) fn depth(&self) -> QueueDepth {
        QueueDepth {
            pending: self.usage.pending.into(),
            running: self.waiting.running().into(),
        }
    }

    /// How much there is of everything that could grow.
    #[must_use]
    pub fn counts(&self) -> LedgerCounts {
        LedgerCounts {
            records: self.records.len(),
            pending: self.usage.pending,
            running: self.waiting.running(),
            users: self.users.len()
                + self.waiting.users()
                + self.submit_rate.users()
                + self.finals.users(),
            timed: self.waits.len()
                + self.deadlines.len()
                + self.leases.len()
                + self.expiries.len(),
            listeners: self.records.values().map(Record::listeners).sum(),
            input_pieces: self.records.values().map(Record::input_pieces).sum(),
            tickets: self.tickets.len(),
            offers: self.offers.len(),
            live_bytes: self.usage.live_bytes,
            final_bytes: self.finals.bytes(),
        }
    }

    /// Adds a record that was not there.
    fn register(&mut self, record: Record) {
        let execution = &record.execution;
        let (id, cursor) = (execution.id(), Summary::from(execution).cursor());
        let user = self.users.entry(execution.submission().user().clone());
        user.or_default().cursors.insert(cursor);
        self.records.insert(id, record);
        self.add_to_indexes(id);
    }

    /// Notes that a record has changed.
    fn note_change(&mut self, id: ExecutionId) {
        if let Some(changes) = &mut self.changes {
            changes.updated.insert(id);
        }
    }

    /// Stores a transition, its event and its places in the indexes in one go.
    fn advance(&mut self, next: Execution) {
        let id = next.id();
        self.remove_from_indexes(id);
        if let Some(record) = self.records.get_mut(&id) {
            record.add_transition(next);
        }
        self.add_to_indexes(id);
        self.note_change(id);
    }

    /// Ends an execution without a report, keeping what its last attempt wrote; `None` if there is nothing to end.
    fn force_end(&mut self, id: ExecutionId, why: ForcedEnd) -> Option<Execution> {
        let record = self.records.get(&id)?;
        let outcome = why.outcome(
            record.output(OutputStream::Stdout),
            record.output(OutputStream::Stderr),
        );
        let ended = record.execution.clone().finish(outcome, self.now).ok()?;
        self.advance(ended.clone());
        Some(ended)
    }

    /// Removes a record from every index of its state.
    fn remove_from_indexes(&mut self, id: ExecutionId) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        let user = record.execution.submission().user();
        let usage = record.usage();
        self.usage.subtract(usage);
        if let Some(records) = self.users.get_mut(user) {
            records.usage.subtract(usage);
        }
        match record.execution.state() {
            State::Pending => {
                let (entry, since) = (record.queue_entry(), record.execution.progress());
                self.waits.remove(entry.language, since.updated_at(), id);
                self.waiting.remove(entry);
                self.deadlines.remove(id);
            }
            State::Running { .. } => {
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

    /// Adds a record to every index of its state.
    fn add_to_indexes(&mut self, id: ExecutionId) {
        let Some(record) = self.records.get(&id) else {
            return;
        };
        let execution = &record.execution;
        let user = execution.submission().user();
        let usage = record.usage();
        self.usage.add(usage);
        if let Some(records) = self.users.get_mut(user) {
            records.usage.add(usage);
        }
        match execution.state() {
            State::Pending => {
                let deadline = self.config.policy.deadline(execution).unwrap_or(self.now);
                self.deadlines.set(id, deadline);
                let (entry, since) = (record.queue_entry(), execution.progress());
                self.waits.insert(entry.language, since.updated_at(), id);
                if self.waiting.push(entry, id) {
                    self.work.announce();
                    if self.waiting.is_idle(user) {
                        self.idle_work.announce();
                    }
                }
            }
            State::Running { .. } => {
                self.waiting.started(user);
                self.set_lease(id, self.config.policy.lease);
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

    /// Deletes final records while all of them occupy too much, each time the oldest of the user who occupies
    /// the most, except the latest of all.
    fn evict(&mut self, latest: ExecutionId) {
        while self.finals.bytes() > self.config.final_bytes_max.as_bytes() {
            let Some(oldest) = self.finals.next_to_evict_except(latest) else {
                return;
            };
            self.remove(oldest);
        }
    }
}

/// Drops what is finer than a microsecond.
fn whole_micros(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.microsecond() * 1000).unwrap_or(at)
}
