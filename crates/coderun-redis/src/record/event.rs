//! Events as stored: one element of a list each.
//!
//! `o1 …` and `e1 …` are output of attempt 1; `u running 1 CREATED UPDATED WORKER` is a change of state. A change to
//! `final` does not repeat the outcome: the record holds it.

use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::{
    Attempt, Event, Outcome, OutputChunk, OutputStream, Progress, ProgressParts, Sequence, State,
    WorkerId,
};

use super::{RecordError, moment};

/// Writes a piece of output.
pub(crate) fn encode_chunk(chunk: &OutputChunk) -> Vec<u8> {
    let stream = match chunk.stream {
        OutputStream::Stdout => 'o',
        OutputStream::Stderr => 'e',
    };
    let mut event = format!("{stream}{} ", chunk.attempt).into_bytes();
    event.extend_from_slice(&chunk.bytes);
    event
}

/// An event in its stored form.
#[derive(Debug)]
pub(crate) struct StoredForm(pub(crate) Vec<u8>);

impl StoredForm {
    /// Reads the event with this number. `outcome` is how the execution ended, where that is known.
    pub(crate) fn decode(
        self,
        sequence: Sequence,
        outcome: Option<&Arc<Outcome>>,
    ) -> Result<Event, RecordError> {
        match self.0.first() {
            Some(b'o') => self.output(OutputStream::Stdout).map(Event::Output),
            Some(b'e') => self.output(OutputStream::Stderr).map(Event::Output),
            Some(b'u') => self.update(sequence, outcome).map(Event::Updated),
            Some(_) | None => Err(RecordError::Event),
        }
    }

    fn output(self, stream: OutputStream) -> Result<OutputChunk, RecordError> {
        let bytes = Bytes::from(self.0);
        let space = bytes.iter().position(|byte| *byte == b' ');
        let space = space.ok_or(RecordError::Event)?;
        let attempt = bytes.get(1..space).unwrap_or_default();
        let attempt = str::from_utf8(attempt).ok().and_then(|it| it.parse().ok());
        Ok(OutputChunk {
            stream,
            bytes: bytes.slice(space + 1..),
            attempt: Attempt::from_count(attempt.ok_or(RecordError::Event)?),
        })
    }

    fn update(
        &self,
        sequence: Sequence,
        outcome: Option<&Arc<Outcome>>,
    ) -> Result<Progress, RecordError> {
        let text = str::from_utf8(&self.0).map_err(|_| RecordError::Event)?;
        let mut words = text.splitn(6, ' ').skip(1);
        let mut word = || words.next().ok_or(RecordError::Event);
        let (status, attempt, created, updated) = (word()?, word()?, word()?, word()?);
        let worker = word()?;
        let updated_at = time("updated", updated)?;
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
            attempt: Attempt::from_count(attempt.parse().map_err(|_| RecordError::Event)?),
            sequence,
            created_at: time("created", created)?,
            updated_at,
        })?)
    }
}

fn time(name: &'static str, micros: &str) -> Result<time::OffsetDateTime, RecordError> {
    moment::from_micros(name, micros.parse().map_err(|_| RecordError::Event)?)
}
