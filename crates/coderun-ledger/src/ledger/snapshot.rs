//! Describes records for an adapter that keeps them elsewhere.

use coderun_domain::{
    Attempt, Execution, InputId, InputPiece, InputPosition, State, StoredEvent, WorkerId,
};
use time::OffsetDateTime;

/// One change of what is to be kept.
#[derive(Debug, Clone)]
pub enum Change {
    /// A record is new, or not what it was.
    Kept(Box<Kept>),
    /// The record with this [`order`](Kept::order) is no more, and nothing that belongs to it.
    Deleted(u64),
}

/// One execution with everything that outlives a restart. Submission rates and tickets do not: both are over soon.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The place among all records that there ever were: later ones are greater, and none is used twice.
    pub order: u64,
    /// The execution. Its submission never changes.
    pub execution: Execution,
    /// Whether its worker is to stop it.
    pub cancel_requested: bool,
    /// How its last worker let go of it.
    pub settled: Option<Settled>,
    /// Its events in their order: all of them, or in a [`Change`] those that no change has told of before.
    pub events: Vec<StoredEvent>,
    /// What was sent to it; `None` once it is final.
    pub input: Option<KeptInput>,
}

/// What was sent to one execution.
#[derive(Debug, Clone)]
pub struct KeptInput {
    /// How many pieces had to make room; they are not kept any more.
    pub dropped: u64,
    /// Pieces in their order, each with the position before it: all that are kept, or in a [`Change`] those that no change
    /// has told of before.
    pub pieces: Vec<(InputPosition, InputPiece)>,
    /// The last piece of each sender, whoever sent last at the end.
    pub senders: Vec<InputId>,
}

/// Who holds an execution. The attempt alone would not do: a deleted id may be submitted and taken again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Which worker.
    pub worker: WorkerId,
    /// Since when.
    pub started_at: OffsetDateTime,
    /// In which attempt.
    pub attempt: Attempt,
}

impl Holder {
    /// The holder of a running execution.
    pub(crate) fn of(execution: &Execution) -> Option<Self> {
        match execution.state() {
            State::Running { worker, started_at } => Some(Self {
                worker: worker.clone(),
                started_at: *started_at,
                attempt: execution.attempt(),
            }),
            State::Pending | State::Final { .. } => None,
        }
    }
}

/// How the last holder let go of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It has ended the execution.
    Finished(Holder),
    /// It has given the execution back.
    Released(Holder),
}
