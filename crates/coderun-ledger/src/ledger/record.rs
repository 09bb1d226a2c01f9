//! Holds one execution with everything that belongs to it.

use coderun_domain::{
    Event, Execution, InputPosition, Lease, Output, OutputStream, RunEvent, Sequence, State,
    StorePolicy, StoredEvent,
};
use time::OffsetDateTime;

use super::fair_queue::QueueEntry;
use super::input_log::InputLog;
use super::snapshot::{LeaseEnd, RecordSnapshot};
use super::usage::{Usage, to_u64};
use crate::wake::WakeSignal;

/// What a record occupies beside its texts and output, generously.
const RECORD_OVERHEAD_BYTES: u64 = 1024;
/// What an event occupies beside its output, generously.
const EVENT_OVERHEAD_BYTES: u64 = 192;

/// One execution with everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) execution: Execution,
    /// The number among all records. It distinguishes this record from a later one with the same id.
    pub(crate) order: u64,
    pub(crate) cancel_requested: bool,
    /// How the last lease ended.
    pub(crate) lease_end: Option<LeaseEnd>,
    /// The input that was sent to it, until it is final.
    pub(crate) input: Option<InputLog>,
    /// When somebody was last known to watch it. It is not saved.
    pub(crate) watched_at: Option<OffsetDateTime>,
    /// Wakes the watchers.
    pub(crate) event_signal: WakeSignal,
    /// Wakes the worker.
    pub(crate) cancel_signal: WakeSignal,
    events: Vec<StoredEvent>,
    output_bytes: u64,
    saved: SavedParts,
}

/// How much of a record was in a change before.
#[derive(Debug, Default)]
struct SavedParts {
    events: usize,
    input: InputPosition,
}

impl Record {
    /// The record of a new execution, with its first event.
    pub(crate) fn new(execution: Execution, order: u64) -> Self {
        let mut record = Self::restored(RecordSnapshot {
            order,
            execution: execution.clone(),
            cancel_requested: false,
            lease_end: None,
            events: Vec::new(),
            input: None,
        });
        record.add_transition(execution);
        record
    }

    /// The record of a saved execution.
    pub(crate) fn restored(snapshot: RecordSnapshot) -> Self {
        let events = snapshot.events.iter();
        let output_bytes = events.map(|stored| output_bytes(&stored.event)).sum();
        let mut record = Self {
            execution: snapshot.execution,
            order: snapshot.order,
            cancel_requested: snapshot.cancel_requested,
            lease_end: snapshot.lease_end,
            input: snapshot.input.map(InputLog::restored),
            watched_at: None,
            event_signal: WakeSignal::default(),
            cancel_signal: WakeSignal::default(),
            events: snapshot.events,
            output_bytes,
            saved: SavedParts::default(),
        };
        record.saved = record.parts();
        record
    }

    /// Adds a transition with its event.
    pub(crate) fn add_transition(&mut self, execution: Execution) {
        self.events.push(StoredEvent {
            sequence: execution.sequence(),
            event: Event::Updated(execution.progress().clone()),
        });
        if execution.status().is_final() {
            self.input = None;
        }
        self.execution = execution;
        self.event_signal.wake();
    }

    /// Adds events of the program. `execution` has counted them.
    pub(crate) fn append(&mut self, execution: Execution, events: Vec<RunEvent>) {
        let mut sequence = self.execution.sequence();
        for event in events {
            sequence = sequence.next();
            let event = event.into();
            self.output_bytes += output_bytes(&event);
            self.events.push(StoredEvent { sequence, event });
        }
        self.execution = execution;
        self.event_signal.wake();
    }

    /// What is to be saved now, without the events and the input that were saved before.
    pub(crate) fn take_unsaved(&mut self) -> RecordSnapshot {
        let events = self.events.get(self.saved.events..).unwrap_or_default();
        let input = self.input.as_ref();
        let snapshot = RecordSnapshot {
            order: self.order,
            execution: self.execution.clone(),
            cancel_requested: self.cancel_requested,
            lease_end: self.lease_end.clone(),
            events: events.to_vec(),
            input: input.map(|input| input.snapshot_after(self.saved.input)),
        };
        self.saved = self.parts();
        snapshot
    }

    fn parts(&self) -> SavedParts {
        SavedParts {
            events: self.events.len(),
            input: self.input.as_ref().map(InputLog::end).unwrap_or_default(),
        }
    }

    /// Whether a change has contained this record.
    pub(crate) const fn is_saved(&self) -> bool {
        self.saved.events > 0
    }

    /// The first event after this one.
    pub(crate) fn event_after(&self, sequence: Sequence) -> Option<&StoredEvent> {
        let index = usize::try_from(sequence.number()).ok()?;
        self.events.get(index)
    }

    pub(crate) fn is_held_by(&self, lease: &Lease) -> bool {
        match self.execution.state() {
            State::Running { worker, started_at } => {
                (worker, *started_at) == (lease.worker(), lease.started_at())
                    && self.execution.attempt() == lease.attempt()
            }
            State::Pending | State::Final { .. } => false,
        }
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
                Event::Output(_) | Event::AwaitingInput(_) | Event::Updated(_) => {}
            }
        }
        Output::complete(bytes)
    }

    pub(crate) fn queue_entry(&self) -> QueueEntry<'_> {
        let submission = self.execution.submission();
        QueueEntry {
            user: submission.user(),
            language: submission.language(),
            order: self.order,
        }
    }

    /// What it counts for until it is final, beside its output.
    pub(crate) fn usage(&self) -> Usage {
        let live_bytes = StorePolicy::live_size(self.execution.submission()).as_bytes();
        let (pending, live_bytes) = match self.execution.state() {
            State::Pending => (1, live_bytes),
            State::Running { .. } => (0, live_bytes),
            State::Final { .. } => (0, 0),
        };
        Usage {
            pending,
            live_bytes,
        }
    }

    /// How many tasks wait for a change of any kind.
    pub(crate) fn listeners(&self) -> usize {
        let input = self.input.as_ref().map_or(0, InputLog::listeners);
        self.event_signal.listeners() + self.cancel_signal.listeners() + input
    }

    pub(crate) fn input_pieces(&self) -> usize {
        self.input.as_ref().map_or(0, InputLog::len)
    }

    /// What all of it occupies once it is final.
    pub(crate) fn total_bytes(&self) -> u64 {
        let outcome = self.execution.outcome();
        let events = to_u64(self.events.len());
        RECORD_OVERHEAD_BYTES
            .saturating_add(events.saturating_mul(EVENT_OVERHEAD_BYTES))
            .saturating_add(self.output_bytes)
            .saturating_add(self.execution.submission().size().as_bytes())
            .saturating_add(outcome.map_or(0, |outcome| outcome.size().as_bytes()))
    }
}

fn output_bytes(event: &Event) -> u64 {
    match event {
        Event::Output(chunk) => to_u64(chunk.bytes.len()),
        Event::AwaitingInput(_) | Event::Updated(_) => 0,
    }
}
