//! Describes the state of a ledger for an adapter that saves it.

use std::collections::BTreeSet;

use coderun_domain::{
    Attempt, Execution, ExecutionId, InputId, InputPiece, InputPosition, Lease, StoredEvent,
    WorkerId,
};
use time::OffsetDateTime;

use super::worker_offers::WorkerOffers;

/// What a ledger knows and no adapter saves. It outlives the file behind a ledger, but not the process.
#[derive(Debug, Clone, Default)]
pub struct VolatileState {
    /// The greatest [`order`](RecordSnapshot::order) that there ever was.
    pub(crate) last_order: u64,
    /// The offers of the workers, which still work on the saved executions.
    pub(crate) offers: WorkerOffers,
}

/// The changes that are to be saved.
#[derive(Debug, Default)]
pub struct LedgerChanges {
    /// The records that are new or have changed.
    pub updated: Vec<RecordSnapshot>,
    /// The [`order`](RecordSnapshot::order) of each deleted record. Everything that belongs to it is deleted, too.
    pub deleted: Vec<u64>,
}

impl LedgerChanges {
    /// Whether nothing has changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.updated.is_empty() && self.deleted.is_empty()
    }
}

/// Notes which records have changed since changes were last taken.
#[derive(Debug, Default)]
pub(crate) struct PendingChanges {
    pub(crate) updated: BTreeSet<ExecutionId>,
    /// The orders of deleted records that were saved before.
    pub(crate) deleted: Vec<u64>,
}

/// One execution with everything that outlives a restart. Submission rates, tickets and offers do not: all are over soon.
#[derive(Debug, Clone)]
pub struct RecordSnapshot {
    /// The number of the record among all that there ever were. Later records have greater ones, and none is used twice.
    pub order: u64,
    /// The execution. Its submission never changes.
    pub execution: Execution,
    /// Whether its worker is to stop it.
    pub cancel_requested: bool,
    /// How the last lease ended.
    pub lease_end: Option<LeaseEnd>,
    /// Its events in order: all of them, or in [`LedgerChanges`] those that were not saved before.
    pub events: Vec<StoredEvent>,
    /// The input that was sent to it; `None` once it is final.
    pub input: Option<InputSnapshot>,
}

/// The input that was sent to one execution.
#[derive(Debug, Clone)]
pub struct InputSnapshot {
    /// How many pieces were dropped to make room.
    pub dropped: u64,
    /// Pieces in order, each with the position before it: all that are kept, or in [`LedgerChanges`] those that were not
    /// saved before.
    pub pieces: Vec<(InputPosition, InputPiece)>,
    /// The last piece of each sender. The sender that sent last comes last.
    pub senders: Vec<InputId>,
}

/// Names one lease. The attempt alone would not do: a deleted id may be submitted and taken again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    /// The worker that holds it.
    pub worker: WorkerId,
    /// When the attempt began.
    pub started_at: OffsetDateTime,
    /// The attempt.
    pub attempt: Attempt,
}

impl From<&Lease> for LeaseHolder {
    fn from(lease: &Lease) -> Self {
        Self {
            worker: lease.worker().clone(),
            started_at: lease.started_at(),
            attempt: lease.attempt(),
        }
    }
}

/// The call with which a worker ended its lease, which distinguishes a repetition from a stale call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseEnd {
    /// It finished the execution.
    Finished(LeaseHolder),
    /// It gave the execution back.
    Released(LeaseHolder),
}
