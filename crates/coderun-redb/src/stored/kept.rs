//! A record of the ledger as fields: those of an execution, and a few of our own.

use std::borrow::Cow;
use std::fmt::Write;

use coderun_domain::{Attempt, ExecutionId, InputId, SenderId, WorkerId};
use coderun_ledger::{Holder, Kept, KeptInput, Settled};
use coderun_record::{
    Field, Fields, RecordError, decode_execution, encode_progress, encode_submission, from_micros,
    micros,
};

use super::fields::{pack, unpack_all};

/// The id of the execution.
const ID: &str = "id";
/// There if the execution is to be stopped.
const CANCEL: &str = "cancel";
/// `finished` or `released`, `ATTEMPT STARTED WORKER`: how the last worker let go of the execution.
const SETTLED: &str = "settled";
/// How many pieces of input had to make room, and the last number of each sender: `DROPPED SENDER:NUMBER …`. There if
/// anything was sent and the execution is not final.
const INPUT: &str = "input_log";

/// Writes what never changes.
pub(crate) fn encode_submission_of(kept: &Kept) -> Result<Vec<u8>, RecordError> {
    let execution = &kept.execution;
    let mut fields = encode_submission(execution.submission())?;
    fields.push(text(ID, execution.id().to_string()));
    pack(&fields)
}

/// Writes what changes, but for events and input.
pub(crate) fn encode_progress_of(kept: &Kept) -> Result<Vec<u8>, RecordError> {
    let mut fields = encode_progress(kept.execution.progress())?;
    if kept.cancel_requested {
        fields.push(text(CANCEL, "1".to_owned()));
    }
    if let Some(settled) = &kept.settled {
        fields.push(text(SETTLED, encode_settled(settled)));
    }
    if let Some(input) = &kept.input {
        fields.push(text(INPUT, encode_input_log(input)));
    }
    pack(&fields)
}

/// Reads both, without events and pieces of input.
pub(crate) fn decode_kept(
    order: u64,
    submission: &[u8],
    progress: &[u8],
) -> Result<Kept, RecordError> {
    let mut fields = unpack_all([submission, progress])?;
    let id: ExecutionId = fields.text(ID)?.parse()?;
    let cancel_requested = fields.get(CANCEL).is_some();
    let settled = optional(&mut fields, SETTLED)?;
    let input = optional(&mut fields, INPUT)?;
    Ok(Kept {
        order,
        execution: decode_execution(id, fields)?,
        cancel_requested,
        settled: settled.map(|text| decode_settled(&text)).transpose()?,
        events: Vec::new(),
        input: input.map(|text| decode_input_log(&text)).transpose()?,
    })
}

fn text(name: &'static str, value: String) -> Field<'static> {
    (name, Cow::from(value.into_bytes()))
}

fn optional(fields: &mut Fields, name: &'static str) -> Result<Option<String>, RecordError> {
    match fields.get(name) {
        Some(_) => fields.text(name).map(Some),
        None => Ok(None),
    }
}

fn encode_settled(settled: &Settled) -> String {
    let (word, holder) = match settled {
        Settled::Finished(holder) => ("finished", holder),
        Settled::Released(holder) => ("released", holder),
    };
    let started = micros(holder.started_at);
    format!("{word} {} {started} {}", holder.attempt, holder.worker)
}

fn decode_settled(text: &str) -> Result<Settled, RecordError> {
    let mut words = text.splitn(4, ' ');
    let mut word = || words.next().ok_or(RecordError::Missing(SETTLED));
    let how = word()?;
    let attempt = number(word()?, SETTLED)?;
    let started_at = from_micros(SETTLED, number(word()?, SETTLED)?)?;
    let holder = Holder {
        worker: WorkerId::parse(word()?)?,
        started_at,
        attempt: Attempt::from_count(attempt),
    };
    match how {
        "finished" => Ok(Settled::Finished(holder)),
        "released" => Ok(Settled::Released(holder)),
        _ => Err(RecordError::Missing(SETTLED)),
    }
}

fn encode_input_log(input: &KeptInput) -> String {
    let mut text = input.dropped.to_string();
    for InputId { sender, number } in &input.senders {
        // Writing to a string does not fail.
        write!(text, " {sender}:{number}").unwrap_or_default();
    }
    text
}

fn decode_input_log(text: &str) -> Result<KeptInput, RecordError> {
    let mut words = text.split(' ');
    let dropped = words.next().ok_or(RecordError::Missing(INPUT))?;
    let senders: Result<Vec<_>, _> = words.map(decode_sender).collect();
    Ok(KeptInput {
        dropped: number(dropped, INPUT)?,
        pieces: Vec::new(),
        senders: senders?,
    })
}

fn decode_sender(word: &str) -> Result<InputId, RecordError> {
    let (sender, last) = word.split_once(':').ok_or(RecordError::Missing(INPUT))?;
    let sender = u128::from_str_radix(sender, 16)
        .map_err(|error| RecordError::Malformed(INPUT, error.into()))?;
    Ok(InputId {
        sender: SenderId::from_number(sender),
        number: number(last, INPUT)?,
    })
}

fn number<T>(word: &str, field: &'static str) -> Result<T, RecordError>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    word.parse()
        .map_err(|error| RecordError::Malformed(field, Box::new(error)))
}
