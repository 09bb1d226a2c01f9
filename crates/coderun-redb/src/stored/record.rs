//! Encodes a record of the ledger as fields: those of an execution, and a few more.

use std::borrow::Cow;
use std::fmt::Write;

use coderun_domain::{Attempt, ExecutionId, InputId, SenderId, WorkerId};
use coderun_ledger::{InputSnapshot, LeaseEnd, LeaseHolder, RecordSnapshot};
use coderun_record::{
    Field, RecordError, Words, decode_execution, encode_progress, encode_submission, micros,
};

use super::fields::{pack, unpack};

/// The id of the execution.
const ID: &str = "id";
/// Present if the execution is to be stopped.
const CANCEL: &str = "cancel";
/// `finished` or `released`, `ATTEMPT STARTED WORKER`: how the last lease ended.
const LEASE_END: &str = "settled";
/// How many pieces of input were dropped, and the last number of each sender: `DROPPED SENDER:NUMBER …`. Present if
/// input was sent and the execution is not final.
const INPUT: &str = "input_log";

/// Writes what never changes.
pub(crate) fn pack_submission(record: &RecordSnapshot) -> Result<Vec<u8>, RecordError> {
    let execution = &record.execution;
    let mut fields = encode_submission(execution.submission())?;
    fields.push(text(ID, execution.id().to_string()));
    pack(&fields)
}

/// Writes what changes, but for events and input.
pub(crate) fn pack_progress(record: &RecordSnapshot) -> Result<Vec<u8>, RecordError> {
    let mut fields = encode_progress(record.execution.progress())?;
    if record.cancel_requested {
        fields.push(text(CANCEL, "1".to_owned()));
    }
    if let Some(lease_end) = &record.lease_end {
        fields.push(text(LEASE_END, encode_lease_end(lease_end)));
    }
    if let Some(input) = &record.input {
        fields.push(text(INPUT, encode_input_log(input)));
    }
    pack(&fields)
}

/// Reads both, without events and pieces of input.
pub(crate) fn unpack_record(
    order: u64,
    submission: &[u8],
    progress: &[u8],
) -> Result<RecordSnapshot, RecordError> {
    let mut fields = unpack([submission, progress])?;
    let id: ExecutionId = fields.take_text(ID)?.parse()?;
    let cancel_requested = fields.get(CANCEL).is_some();
    let lease_end = fields.take_optional_text(LEASE_END)?;
    let input = fields.take_optional_text(INPUT)?;
    Ok(RecordSnapshot {
        order,
        execution: decode_execution(id, fields)?,
        cancel_requested,
        lease_end: lease_end.map(|text| decode_lease_end(&text)).transpose()?,
        events: Vec::new(),
        input: input.map(|text| decode_input_log(&text)).transpose()?,
    })
}

fn text(name: &'static str, value: String) -> Field<'static> {
    (name, Cow::from(value.into_bytes()))
}

fn encode_lease_end(lease_end: &LeaseEnd) -> String {
    let (word, holder) = match lease_end {
        LeaseEnd::Finished(holder) => ("finished", holder),
        LeaseEnd::Released(holder) => ("released", holder),
    };
    let started = micros(holder.started_at);
    format!("{word} {} {started} {}", holder.attempt, holder.worker)
}

fn decode_lease_end(text: &str) -> Result<LeaseEnd, RecordError> {
    let mut words = Words::new(LEASE_END, text, 4);
    let how = words.word()?;
    let attempt = Attempt::from_count(words.number()?);
    let started_at = words.time()?;
    let holder = LeaseHolder {
        worker: WorkerId::parse(words.word()?)?,
        started_at,
        attempt,
    };
    match how {
        "finished" => Ok(LeaseEnd::Finished(holder)),
        "released" => Ok(LeaseEnd::Released(holder)),
        _ => Err(RecordError::Missing(LEASE_END)),
    }
}

fn encode_input_log(input: &InputSnapshot) -> String {
    let mut text = input.dropped.to_string();
    for InputId { sender, number } in &input.senders {
        // Writing to a string does not fail.
        write!(text, " {sender}:{number}").unwrap_or_default();
    }
    text
}

fn decode_input_log(text: &str) -> Result<InputSnapshot, RecordError> {
    let mut words = Words::new(INPUT, text, usize::MAX);
    Ok(InputSnapshot {
        dropped: words.number()?,
        pieces: Vec::new(),
        senders: words.rest().map(decode_sender).collect::<Result<_, _>>()?,
    })
}

fn decode_sender(word: &str) -> Result<InputId, RecordError> {
    let mut parts = Words::separated_by(':', INPUT, word, 2);
    let sender = u128::from_str_radix(parts.word()?, 16)
        .map_err(|error| RecordError::Malformed(INPUT, error.into()))?;
    Ok(InputId {
        sender: SenderId::from_number(sender),
        number: parts.number()?,
    })
}
