//! Follows what one worker does under one lease, as the worker knows it.

use coderun_domain::{Lease, Sequence};
use time::OffsetDateTime;

use super::step::{LeaseId, Step, lease_id};

/// The number of an event that is never stored.
pub(super) const BEYOND: Sequence = Sequence::from_number(1_000_000);

/// One attempt at an execution: what the program wrote, and what the worker knows to be stored.
#[derive(Debug)]
pub(super) struct Run {
    lease: Lease,
    /// Everything that the program wrote. Each text is unique.
    pub(super) texts: Vec<String>,
    /// How many of the texts the worker knows to be stored.
    pub(super) confirmed: usize,
    /// How many of the texts went with the finish that was recorded.
    pub(super) finished_with: Option<usize>,
    /// Until when the lease holds.
    pub(super) held_until: OffsetDateTime,
    /// Whether the worker knows that the lease is over.
    pub(super) is_over: bool,
}

impl Run {
    pub(super) const fn new(lease: Lease, held_until: OffsetDateTime) -> Self {
        Self {
            lease,
            texts: Vec::new(),
            confirmed: 0,
            finished_with: None,
            held_until,
            is_over: false,
        }
    }

    pub(super) const fn lease(&self) -> &Lease {
        &self.lease
    }

    pub(super) fn id(&self) -> LeaseId {
        lease_id(&self.lease)
    }

    /// Lets the program write so many texts.
    pub(super) fn write(&mut self, count: usize) {
        for _ in 0..count {
            let number = self.texts.len();
            let (id, attempt) = self.id();
            self.texts.push(format!("{id}/{attempt}/{number} "));
        }
    }

    /// Appends all that the worker does not know to be stored.
    pub(super) fn append(&self) -> Step {
        Step::Append {
            lease: self.lease.clone(),
            after: self.last_confirmed(),
            texts: self.texts[self.confirmed..].to_vec(),
        }
    }

    /// Finishes with all that the worker does not know to be stored.
    pub(super) fn finish(&self) -> Step {
        Step::Finish {
            lease: self.lease.clone(),
            after: self.last_confirmed(),
            texts: self.texts[self.confirmed..].to_vec(),
        }
    }

    /// Finishes as if more were stored than is ever written: the store has lost it.
    pub(super) fn finish_beyond(&self) -> Step {
        Step::Finish {
            lease: self.lease.clone(),
            after: BEYOND,
            texts: Vec::new(),
        }
    }

    /// How many texts are stored if this is the last event of the program.
    pub(super) fn count_up_to(&self, last: Sequence) -> usize {
        usize::try_from(last.number() - self.first().number()).unwrap()
    }

    /// Tells the worker that all events up to this one are stored.
    pub(super) fn confirm(&mut self, last: Sequence) {
        self.confirmed = self.confirmed.max(self.count_up_to(last));
    }

    /// The last event before the program wrote anything.
    const fn first(&self) -> Sequence {
        self.lease.execution().sequence()
    }

    fn last_confirmed(&self) -> Sequence {
        self.first().plus(self.confirmed as u64)
    }
}
