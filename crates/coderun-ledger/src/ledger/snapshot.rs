//! Describes the state of a ledger for an adapter that saves it.

use coderun_domain::{
    Attempt, Execution, InputId, InputPiece, InputPosition, Lease, StoredEvent, WorkerId,
};
use time::OffsetDateTime;

use super::worker_offers::WorkerOffers;

/// Everything that a ledger is restored from.
#[derive(Debug)]
pub struct SavedState {
    /// The saved records, in any order.
    pub records: Vec<RecordSnapshot>,
    /// At least the greatest [`order`](RecordSnapshot::order) that was ever saved, as far as known.
    pub last_order: u64,
    /// The workers that still work on the saved executions.
    pub workers: SurvivingWorkers,
}

/// The workers that are still there when a ledger is restored.
#[derive(Debug)]
pub enum SurvivingWorkers {
    /// All of them. Their leases begin anew, and their offers hold.
    All(WorkerOffers),
    /// None: what they had may be taken over at once.
    None,
}

/// One change that is to be saved.
#[derive(Debug, Clone)]
pub enum RecordChange {
    /// A record is new or has changed.
    Updated(Box<RecordSnapshot>),
    /// The record with this [`order`](RecordSnapshot::order) is deleted, with everything that belongs to it.
    Deleted(u64),
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
    /// Its events in order: all of them, or in a [`RecordChange`] those that no change has contained before.
    pub events: Vec<StoredEvent>,
    /// The input that was sent to it; `None` once it is final.
    pub input: Option<InputSnapshot>,
}

/// The input that was sent to one execution.
#[derive(Debug, Clone)]
pub struct InputSnapshot {
    /// How many pieces were dropped to make room.
    pub dropped: u64,
    /// Pieces in order, each with the position before it: all that are kept, or in a [`RecordChange`] those that no change
    /// has contained before.
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
