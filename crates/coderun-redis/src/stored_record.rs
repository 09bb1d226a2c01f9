//! Encodes and decodes records: a header for the scripts, and the fields of `coderun_record` behind it.
//!
//! A live record has the submission. A final one has the outcome, too, or is an outcome beside a record that keeps its live
//! form: large records are not written twice. The events of a run that were not stored before its end are a field.

use std::borrow::Cow;
use std::sync::Arc;

use coderun_domain::{
    Attempt, Execution, ExecutionId, Outcome, Progress, ProgressParts, Sequence, State, Submission,
};
use coderun_record::{
    Field, Fields, RecordError, decode_outcome, decode_submission, encode_outcome,
    encode_submission, from_micros, micros, pack_fields, unpack_fields,
};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};
use time::OffsetDateTime;

use crate::layout::owner;
use crate::version::{VERSION, decode_versioned};

/// The name of the header in errors.
const HEADER: &str = "header";
/// The field with the events of the run that no list has: a msgpack array.
const EVENTS: &str = "events";

/// A record from this size is stored by a command of its own: scripts copy their arguments.
pub(crate) const LARGE_MIN_BYTES: usize = 4096;

/// What the scripts read of a record, in the order that `finals.lua` expects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    version: String,
    owner: String,
    language: String,
    pub(crate) created: i64,
    /// `None` in a live record.
    pub(crate) end: Option<End>,
}

/// How an execution ended. Times are in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) attempt: u32,
    pub(crate) takeovers: u32,
    /// The number of the final event.
    pub(crate) sequence: u64,
    pub(crate) updated: i64,
    /// The start and the worker of the last attempt; 0 and empty if there was none.
    pub(crate) started: i64,
    pub(crate) worker: String,
    pub(crate) expires: i64,
    /// Whether the events are in a list. Otherwise they follow from this header and the field `events`.
    pub(crate) is_streamed: bool,
    /// Whether it ended without its worker.
    pub(crate) is_forced: bool,
    /// Whether its worker had released it before.
    pub(crate) is_released: bool,
    pub(crate) verdict: String,
}

/// A record as it was stored: whole, in its live form, or only the outcome.
#[derive(Debug)]
pub(crate) struct StoredRecord {
    pub(crate) header: Header,
    fields: Fields,
}

impl Header {
    /// Decodes the header of a record.
    pub(crate) fn decode(record: &[u8]) -> Result<Self, RecordError> {
        decode_versioned(HEADER, &mut &*record)
    }
}

/// Encodes the record of a live execution.
pub(crate) fn encode_live(execution: &Execution) -> Result<Vec<u8>, RecordError> {
    encode(execution, None, &encode_submission(execution.submission())?)
}

/// Encodes the final record of this execution, or only the outcome if the submission is large: that stays where it is. `events` are
/// those of the run that no list has, encoded.
pub(crate) fn encode_final(
    execution: &Execution,
    end: End,
    outcome: &Outcome,
    events: &[Vec<u8>],
) -> Result<Vec<u8>, RecordError> {
    let mut fields = encode_outcome(outcome)?;
    if !is_large(execution.submission()) {
        fields.extend(encode_submission(execution.submission())?);
    }
    if !events.is_empty() {
        let events: Vec<&Bytes> = events.iter().map(|event| Bytes::new(event)).collect();
        let events = rmp_serde::to_vec(&events);
        let events = events.map_err(|error| RecordError::Unwritable(error.into()))?;
        fields.push((EVENTS, Cow::from(events)));
    }
    encode(execution, Some(end), &fields)
}

fn encode(
    execution: &Execution,
    end: Option<End>,
    fields: &[Field<'_>],
) -> Result<Vec<u8>, RecordError> {
    let submission = execution.submission();
    let header = Header {
        version: VERSION.to_owned(),
        owner: owner(submission.user()),
        language: submission.language().as_str().to_owned(),
        created: micros(execution.progress().created_at()),
        end,
    };
    let record = rmp_serde::to_vec(&header);
    let mut record = record.map_err(|error| RecordError::Unwritable(error.into()))?;
    pack_fields(&mut record, fields)?;
    Ok(record)
}

/// Whether the record of a submission is too large to go through a script.
pub(crate) fn is_large(submission: &Submission) -> bool {
    submission.size().as_bytes() >= LARGE_MIN_BYTES as u64
}

impl StoredRecord {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut rest = bytes;
        let header = decode_versioned(HEADER, &mut rest)?;
        let fields = unpack_fields(rest)?;
        Ok(Self { header, fields })
    }

    /// Whether it is final, and was to be kept until now at most.
    pub(crate) fn has_expired(&self, now: OffsetDateTime) -> bool {
        let end = self.header.end.as_ref();
        end.is_some_and(|end| end.expires <= micros(now))
    }

    /// The progress of a final record; `None` in the live form. Takes the fields of the outcome.
    pub(crate) fn take_final_progress(&mut self) -> Result<Option<Progress>, RecordError> {
        let Some(end) = &self.header.end else {
            return Ok(None);
        };
        let completed_at = from_micros(HEADER, end.updated)?;
        let progress = Progress::restore(ProgressParts {
            state: State::Final {
                outcome: Arc::new(decode_outcome(&mut self.fields)?),
                completed_at,
            },
            attempt: Attempt::from_count(end.attempt),
            takeovers: end.takeovers,
            sequence: Sequence::from_number(end.sequence),
            created_at: from_micros(HEADER, self.header.created)?,
            updated_at: completed_at,
        });
        Ok(Some(progress?))
    }

    /// The execution with this progress. Fails on an outcome without a submission.
    pub(crate) fn into_execution(
        mut self,
        id: ExecutionId,
        progress: Progress,
    ) -> Result<Execution, RecordError> {
        let submission = decode_submission(&mut self.fields)?;
        Ok(Execution::restore(id, submission, progress))
    }

    /// The events of the run that no list has, as they were stored.
    pub(crate) fn run_events(&self) -> Result<Vec<Vec<u8>>, RecordError> {
        let Some(events) = self.fields.get(EVENTS) else {
            return Ok(Vec::new());
        };
        let events: Result<Vec<ByteBuf>, _> = rmp_serde::from_slice(events);
        let events = events.map_err(|error| RecordError::Malformed(EVENTS, error.into()))?;
        Ok(events.into_iter().map(ByteBuf::into_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{at, draft, execution, execution_id, finished, submission, user};
    use coderun_domain::{SubmissionDraft, WorkerId};

    use super::*;

    fn end(execution: &Execution) -> End {
        End {
            attempt: 1,
            takeovers: 0,
            sequence: execution.sequence().number(),
            updated: micros(at(3)),
            started: micros(at(1)),
            worker: "worker-1".to_owned(),
            expires: micros(at(9)),
            is_streamed: false,
            is_forced: false,
            is_released: false,
            verdict: "accepted".to_owned(),
        }
    }

    fn ended(code: String) -> Execution {
        let submission = submission(user("alice"), SubmissionDraft { code, ..draft() });
        let waiting = Execution::submit(execution_id(1), submission, at(0));
        let worker = WorkerId::parse("worker-1").unwrap();
        let running = waiting.start(worker, at(1)).unwrap();
        running.finish(finished(), at(3)).unwrap()
    }

    fn encode(ended: &Execution, events: &[Vec<u8>]) -> Vec<u8> {
        encode_final(ended, end(ended), ended.outcome().unwrap(), events).unwrap()
    }

    #[test]
    fn a_final_record_is_read_as_it_was_written() {
        let ended = ended("1".to_owned());
        let events = [b"o1 \xff\0".to_vec(), b"a1".to_vec()];
        let bytes = encode(&ended, &events);
        let mut stored = StoredRecord::decode(&bytes).unwrap();
        assert_eq!(stored.run_events().unwrap(), events);
        assert!(!stored.has_expired(at(8)) && stored.has_expired(at(9)));
        let progress = stored.take_final_progress().unwrap().unwrap();
        assert_eq!(stored.into_execution(ended.id(), progress).unwrap(), ended);
    }

    #[test]
    fn a_live_record_has_the_submission_only() {
        let bytes = encode_live(&execution()).unwrap();
        let mut stored = StoredRecord::decode(&bytes).unwrap();
        assert_eq!(stored.take_final_progress().unwrap(), None);
        let progress = execution().progress().clone();
        let read = stored.into_execution(execution_id(1), progress).unwrap();
        assert_eq!(read.submission(), execution().submission());
    }

    #[test]
    fn the_outcome_of_a_large_submission_is_stored_beside_it() {
        let ended = ended("x".repeat(LARGE_MIN_BYTES));
        let bytes = encode(&ended, &[]);
        let mut outcome = StoredRecord::decode(&bytes).unwrap();
        let progress = outcome.take_final_progress().unwrap().unwrap();
        assert_eq!(&progress, ended.progress());
        assert!(outcome.into_execution(ended.id(), progress).is_err());
    }
}
