//! Stores each event as a string of bytes.
//!
//! `o1 …` and `e1 …` are output of attempt 1, and `a1` means that its program waits for input.
//! `u running 1 0 CREATED UPDATED WORKER` is a change of state in attempt 1, after no takeovers. A change to `final` does
//! not repeat the outcome, which the record holds.

use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::{
    Attempt, Event, Outcome, OutputChunk, OutputStream, Progress, ProgressParts, Sequence, State,
    WorkerId,
};

use crate::{RecordError, Words, micros};

/// Writes an event without its number, and without the outcome of a final execution.
#[must_use]
pub fn encode_event(event: &Event) -> Vec<u8> {
    match event {
        Event::Updated(progress) => encode_update(progress).into_bytes(),
        Event::Output(chunk) => encode_output(chunk),
        Event::AwaitingInput(attempt) => format!("a{attempt}").into_bytes(),
    }
}

/// Reads the event with this number. `outcome` is the outcome of a final execution.
///
/// # Errors
/// [`RecordError::Event`] if it is not an event, or a final one without an `outcome`;
/// [`RecordError::Missing`], [`RecordError::Malformed`], [`RecordError::Progress`] and [`RecordError::Identifier`] if it is
/// damaged.
pub fn decode_event(
    stored: Vec<u8>,
    sequence: Sequence,
    outcome: Option<&Arc<Outcome>>,
) -> Result<Event, RecordError> {
    match stored.first() {
        Some(b'o') => decode_output(stored, OutputStream::Stdout).map(Event::Output),
        Some(b'e') => decode_output(stored, OutputStream::Stderr).map(Event::Output),
        Some(b'a') => decode_attempt(stored.get(1..)).map(Event::AwaitingInput),
        Some(b'u') => decode_update(&stored, sequence, outcome).map(Event::Updated),
        Some(_) | None => Err(RecordError::Event),
    }
}

fn encode_output(chunk: &OutputChunk) -> Vec<u8> {
    let stream = match chunk.stream {
        OutputStream::Stdout => 'o',
        OutputStream::Stderr => 'e',
    };
    let mut event = format!("{stream}{} ", chunk.attempt).into_bytes();
    event.extend_from_slice(&chunk.bytes);
    event
}

fn encode_update(progress: &Progress) -> String {
    let (status, worker) = match progress.state() {
        State::Pending => ("pending", ""),
        State::Running { worker, .. } => ("running", worker.as_str()),
        State::Final { .. } => ("final", ""),
    };
    let (created, updated) = (progress.created_at(), progress.updated_at());
    let (created, updated) = (micros(created), micros(updated));
    format!(
        "u {status} {} {} {created} {updated} {worker}",
        progress.attempt(),
        progress.takeovers(),
    )
}

fn decode_output(stored: Vec<u8>, stream: OutputStream) -> Result<OutputChunk, RecordError> {
    let bytes = Bytes::from(stored);
    let space = bytes.iter().position(|byte| *byte == b' ');
    let space = space.ok_or(RecordError::Event)?;
    Ok(OutputChunk {
        stream,
        bytes: bytes.slice(space + 1..),
        attempt: decode_attempt(bytes.get(1..space))?,
    })
}

fn decode_attempt(digits: Option<&[u8]>) -> Result<Attempt, RecordError> {
    let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
    let count = digits.and_then(|digits| digits.parse().ok());
    count.map(Attempt::from_count).ok_or(RecordError::Event)
}

fn decode_update(
    stored: &[u8],
    sequence: Sequence,
    outcome: Option<&Arc<Outcome>>,
) -> Result<Progress, RecordError> {
    let text = str::from_utf8(stored).map_err(|_| RecordError::Event)?;
    let mut words = Words::new("event", text, 7);
    words.word()?;
    let status = words.word()?;
    let attempt = Attempt::from_count(words.number()?);
    let takeovers = words.number()?;
    let (created_at, updated_at) = (words.time()?, words.time()?);
    let worker = words.word()?;
    let state = match status {
        "pending" => State::Pending,
        "running" => State::Running {
            worker: WorkerId::parse(worker)?,
            started_at: updated_at,
        },
        "final" => State::Final {
            outcome: outcome.map(Arc::clone).ok_or(RecordError::Event)?,
            completed_at: updated_at,
        },
        _ => return Err(RecordError::Event),
    };
    Ok(Progress::restore(ProgressParts {
        state,
        attempt,
        takeovers,
        sequence,
        created_at,
        updated_at,
    })?)
}
