//! Numbers stored events, and derives those that follow from the state of an execution and have no list.

use std::sync::Arc;

use coderun_domain::{
    Attempt, Event, Outcome, Progress, ProgressParts, RunEvent, Sequence, State, StoredEvent,
    WorkerId,
};
use coderun_record::{RecordError, decode_event, encode_event, from_micros};
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::stored_record::StoredRecord;

/// The name of the values in errors.
const HEADER: &str = "header";

/// Decodes events whose first has this number. `outcome` belongs to the final event.
pub(crate) fn number_events(
    events: impl IntoIterator<Item = ByteBuf>,
    first: Sequence,
    outcome: Option<&Arc<Outcome>>,
) -> Result<Vec<StoredEvent>, RecordError> {
    let mut sequence = first;
    let number = |event: ByteBuf| {
        let event = decode_event(event.into_vec(), sequence, outcome)?;
        let numbered = StoredEvent { sequence, event };
        sequence = sequence.next();
        Ok(numbered)
    };
    events.into_iter().map(number).collect()
}

/// The stored form of the events of a run.
pub(crate) fn encode_events(events: &[RunEvent]) -> Vec<Vec<u8>> {
    let events = events.iter().cloned().map(Event::from);
    events.map(|event| encode_event(&event)).collect()
}

/// The events of an execution before its run tells anything: its submission, and its first start.
pub(crate) fn start_events(
    created_at: OffsetDateTime,
    started: Option<(WorkerId, OffsetDateTime)>,
) -> Result<Vec<StoredEvent>, RecordError> {
    let update = |number, attempt, state, updated_at| {
        let sequence = Sequence::from_number(number);
        let progress = Progress::restore(ProgressParts {
            state,
            attempt: Attempt::from_count(attempt),
            takeovers: 0,
            sequence,
            created_at,
            updated_at,
        });
        Ok::<_, RecordError>(StoredEvent {
            sequence,
            event: Event::Updated(progress?),
        })
    };
    let mut events = vec![update(1, 0, State::Pending, created_at)?];
    if let Some((worker, started_at)) = started {
        let running = State::Running { worker, started_at };
        events.push(update(2, 1, running, started_at)?);
    }
    Ok(events)
}

/// The events of a run before the final one, if the record has them, and the final one.
pub(crate) fn end_events(
    record: &mut StoredRecord,
    told: Vec<ByteBuf>,
) -> Result<Vec<StoredEvent>, RecordError> {
    let stored = record.run_events()?.into_iter().map(ByteBuf::from);
    let events: Vec<_> = told.into_iter().chain(stored).collect();
    let Some(end) = record.take_final_progress()? else {
        return Ok(Vec::new());
    };
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    let first = end.sequence().number().saturating_sub(count);
    let mut events = number_events(events, Sequence::from_number(first), None)?;
    events.push(StoredEvent {
        sequence: end.sequence(),
        event: Event::Updated(end),
    });
    Ok(events)
}

/// All events of an ended execution that has no list of them.
pub(crate) fn all_events(record: &mut StoredRecord) -> Result<Vec<StoredEvent>, RecordError> {
    let created_at = from_micros(HEADER, record.header.created)?;
    let started = match &record.header.end {
        Some(end) if end.attempt > 0 => {
            let worker = WorkerId::parse(&end.worker)?;
            Some((worker, from_micros(HEADER, end.started)?))
        }
        Some(_) | None => None,
    };
    let mut events = start_events(created_at, started)?;
    events.extend(end_events(record, Vec::new())?);
    Ok(events)
}
