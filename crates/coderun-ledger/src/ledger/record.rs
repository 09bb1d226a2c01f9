//! One execution with everything that is kept about it.

use coderun_domain::{
    Event, Execution, InputPosition, Lease, Output, OutputStream, RunEvent, Sequence, StoredEvent,
};

use super::fair_queue::Place;
use super::input_log::InputLog;
use super::snapshot::{Holder, Kept, Settled};
use crate::wake::WakeSignal;

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
    /// What was sent to it, until it is final.
    pub(crate) input: Option<InputLog>,
    /// Wakes the watchers.
    pub(crate) news: WakeSignal,
    /// Wakes the worker.
    pub(crate) cancel: WakeSignal,
    events: Vec<StoredEvent>,
    output_bytes: u64,
    /// What a change has told of.
    told: Told,
}

/// How much of a record whoever keeps it elsewhere knows.
#[derive(Debug, Default)]
struct Told {
    events: usize,
    input: InputPosition,
}

impl Record {
    /// The record of a new execution, with its first event.
    pub(crate) fn new(execution: Execution, order: u64) -> Self {
        let mut record = Self {
            execution: execution.clone(),
            order,
            cancel_requested: false,
            settled: None,
            input: None,
            news: WakeSignal::default(),
            cancel: WakeSignal::default(),
            events: Vec::new(),
            output_bytes: 0,
            told: Told::default(),
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
        if execution.status().is_final() {
            self.input = None;
        }
        self.execution = execution;
        self.news.wake();
    }

    /// Enters what the program did; `execution` has counted it.
    pub(crate) fn add(&mut self, execution: Execution, happened: Vec<RunEvent>) {
        let mut sequence = self.execution.sequence();
        for event in happened {
            sequence = sequence.next();
            let event = event.into();
            self.output_bytes += output_bytes(&event);
            self.events.push(StoredEvent { sequence, event });
        }
        self.execution = execution;
        self.news.wake();
    }

    /// The record of an execution that was kept elsewhere, with everything that is known of it.
    pub(crate) fn restored(kept: Kept) -> Self {
        let output = kept.events.iter().map(|stored| output_bytes(&stored.event));
        let input = kept.input.map(InputLog::restored);
        Self {
            order: kept.order,
            cancel_requested: kept.cancel_requested,
            settled: kept.settled,
            news: WakeSignal::default(),
            cancel: WakeSignal::default(),
            output_bytes: output.sum(),
            told: Told {
                events: kept.events.len(),
                input: input.as_ref().map(InputLog::end).unwrap_or_default(),
            },
            events: kept.events,
            input,
            execution: kept.execution,
        }
    }

    /// What is to be kept elsewhere, without the events and the input that were told of before.
    pub(crate) fn untold(&mut self) -> Kept {
        let events = self.events.get(self.told.events..).unwrap_or_default();
        let kept = Kept {
            order: self.order,
            execution: self.execution.clone(),
            cancel_requested: self.cancel_requested,
            settled: self.settled.clone(),
            events: events.to_vec(),
            input: self.input.as_ref().map(|input| input.kept(self.told.input)),
        };
        self.told = Told {
            events: self.events.len(),
            input: self.input.as_ref().map(InputLog::end).unwrap_or_default(),
        };
        kept
    }

    /// Whether anybody who keeps it elsewhere knows of it.
    pub(crate) const fn is_told(&self) -> bool {
        self.told.events > 0
    }

    /// The first event after this one.
    pub(crate) fn event_after(&self, sequence: Sequence) -> Option<&StoredEvent> {
        let index = usize::try_from(sequence.number()).ok()?;
        self.events.get(index)
    }

    pub(crate) fn is_held_by(&self, lease: &Lease) -> bool {
        let holder = Holder::of(&self.execution);
        holder.is_some() && holder == Holder::of(lease.execution())
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

    pub(crate) fn place(&self) -> Place<'_> {
        let submission = self.execution.submission();
        Place {
            user: submission.user(),
            language: submission.language(),
            order: self.order,
        }
    }

    /// What the submission occupies.
    fn submission_bytes(&self) -> u64 {
        self.execution.submission().size().as_bytes()
    }

    /// What it may occupy until it is final, beside its output.
    pub(crate) fn live_bytes(&self) -> u64 {
        let submission = self.execution.submission();
        submission.size_while_live().as_bytes()
    }

    /// How many wait for news of any kind.
    pub(crate) fn listeners(&self) -> usize {
        let input = self.input.as_ref().map_or(0, InputLog::listeners);
        self.news.listeners() + self.cancel.listeners() + input
    }

    pub(crate) fn input_pieces(&self) -> usize {
        self.input.as_ref().map_or(0, InputLog::len)
    }

    /// What all of it occupies once it is final.
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

fn output_bytes(event: &Event) -> u64 {
    match event {
        Event::Output(chunk) => u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX),
        Event::AwaitingInput(_) | Event::Updated(_) => 0,
    }
}
