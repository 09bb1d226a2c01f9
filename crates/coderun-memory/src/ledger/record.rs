//! One execution with everything that is kept about it.

use coderun_domain::{
    Attempt, Event, Execution, Lease, Output, OutputChunk, OutputStream, Sequence, State,
    StoredEvent, WorkerId,
};
use time::OffsetDateTime;

use super::fair_queue::Place;
use crate::signal::Signal;

/// What a record occupies beside its texts and output, generously.
const RECORD_OVERHEAD_BYTES: u64 = 1024;
/// What an event occupies beside its output, generously.
const EVENT_OVERHEAD_BYTES: u64 = 192;

/// One execution with everything that is kept about it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) execution: Execution,
    /// The place among all submissions. Tells this record from a later one with the same id.
    pub(crate) order: u64,
    pub(crate) cancel_requested: bool,
    /// Which worker has finished it or given it back, so that the same call again can be told from a stale one.
    pub(crate) settled: Option<Settled>,
    /// Wakes the watchers.
    pub(crate) news: Signal,
    /// Wakes the worker.
    pub(crate) cancel: Signal,
    events: Vec<StoredEvent>,
    output_bytes: u64,
}

/// Who holds an execution. The attempt alone would not do: a deleted id may be submitted and taken again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    worker: WorkerId,
    started_at: OffsetDateTime,
    attempt: Attempt,
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
pub(crate) enum Settled {
    Finished(Holder),
    Released(Holder),
}

impl Record {
    /// The record of a new execution, with its first event.
    pub(crate) fn new(execution: Execution, order: u64) -> Self {
        let mut record = Self {
            execution: execution.clone(),
            order,
            cancel_requested: false,
            settled: None,
            news: Signal::default(),
            cancel: Signal::default(),
            events: Vec::new(),
            output_bytes: 0,
        };
        record.move_to(execution);
        record
    }

    /// Enters a transition with its event.
    pub(crate) fn move_to(&mut self, execution: Execution) {
        self.events.push(StoredEvent {
            sequence: execution.sequence(),
            event: Event::Updated(execution.progress().clone()),
        });
        self.execution = execution;
        self.news.wake();
    }

    /// Enters pieces of output; `execution` has counted them.
    pub(crate) fn add_output(&mut self, execution: Execution, chunks: Vec<OutputChunk>) {
        let mut sequence = self.execution.sequence();
        for chunk in chunks {
            sequence = sequence.next();
            self.output_bytes += length(&chunk.bytes);
            let event = Event::Output(chunk);
            self.events.push(StoredEvent { sequence, event });
        }
        self.execution = execution;
        self.news.wake();
    }

    /// The first event after this one.
    pub(crate) fn event_after(&self, sequence: Sequence) -> Option<&StoredEvent> {
        let index = usize::try_from(sequence.number()).ok()?;
        self.events.get(index)
    }

    pub(crate) fn is_held_by(&self, lease: &Lease) -> bool {
        let holder = Holder::of(&self.execution);
        holder.is_some() && holder == Holder::of(&lease.execution)
    }

    /// What the last attempt wrote to this stream.
    pub(crate) fn output(&self, stream: OutputStream) -> Output {
        let attempt = self.execution.attempt();
        let mut bytes = Vec::new();
        for stored in &self.events {
            match &stored.event {
                Event::Output(chunk) if chunk.stream == stream && chunk.attempt == attempt => {
                    bytes.extend_from_slice(&chunk.bytes);
                }
                Event::Output(_) | Event::Updated(_) => {}
            }
        }
        Output::complete(bytes)
    }

    pub(crate) fn place(&self) -> Place<'_> {
        let submission = self.execution.submission();
        Place {
            user: submission.user(),
            language: submission.language(),
            order: self.order,
        }
    }

    /// What the submission occupies.
    pub(crate) fn submission_bytes(&self) -> u64 {
        self.execution.submission().size().as_bytes()
    }

    /// What all of it occupies.
    pub(crate) fn total_bytes(&self) -> u64 {
        let outcome = self.execution.outcome();
        let events = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        RECORD_OVERHEAD_BYTES
            .saturating_add(events.saturating_mul(EVENT_OVERHEAD_BYTES))
            .saturating_add(self.output_bytes)
            .saturating_add(self.submission_bytes())
            .saturating_add(outcome.map_or(0, |outcome| outcome.size().as_bytes()))
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
