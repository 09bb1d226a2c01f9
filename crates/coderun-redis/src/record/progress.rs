//! How far an execution has come: the words of the field that the scripts rewrite.

use std::str::FromStr;
use std::sync::Arc;

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};
use time::OffsetDateTime;

use super::{Fields, RecordError, moment, outcome};

/// What never changes: `VERSION OWNER LANE SIZE BUDGET ORDER CREATED`.
const FIXED: &str = "fixed";
/// What does: `STATUS ATTEMPT SEQUENCE UPDATED STARTED CANCEL SETTLED EXPIRES KEPT WORKER`.
const STATE: &str = "state";

/// The version of the form that a record has.
pub(super) fn version(fixed: &str) -> &str {
    fixed.split(' ').next().unwrap_or_default()
}

/// Takes what never changes.
pub(super) fn fixed(fields: &mut Fields) -> Result<String, RecordError> {
    fields.text(FIXED)
}

/// Whether this is the state of a final record that has outlived its time.
pub(super) fn has_expired(state: &str, now: i64) -> bool {
    let mut words = state.split(' ');
    let is_final = words.next() == Some("final");
    let expires = words.nth(6).and_then(|word| word.parse::<i64>().ok());
    is_final && expires.is_some_and(|expires| expires <= now)
}

/// Reads where a record stands.
pub(super) fn decode(fixed: &str, fields: &mut Fields) -> Result<Progress, RecordError> {
    let created = fixed.rsplit(' ').next().unwrap_or_default();
    let text = fields.text(STATE)?;
    let words: Vec<&str> = text.splitn(10, ' ').collect();
    let [
        status,
        attempt,
        sequence,
        updated,
        started,
        _cancel,
        _settled,
        _expires,
        _kept,
        worker,
    ] = words[..]
    else {
        return Err(RecordError::Missing(STATE));
    };
    let updated_at = time(updated)?;
    let state = match status {
        "pending" => State::Pending,
        "running" => State::Running {
            worker: WorkerId::parse(worker)?,
            started_at: time(started)?,
        },
        "final" => State::Final {
            outcome: Arc::new(outcome::decode_outcome(fields)?),
            completed_at: updated_at,
        },
        _ => return Err(RecordError::Missing(STATE)),
    };
    Ok(Progress::restore(ProgressParts {
        state,
        attempt: Attempt::from_count(number(attempt)?),
        sequence: Sequence::from_number(number(sequence)?),
        created_at: time(created)?,
        updated_at,
    })?)
}

fn time(word: &str) -> Result<OffsetDateTime, RecordError> {
    moment::from_micros(STATE, number(word)?)
}

fn number<T>(word: &str) -> Result<T, RecordError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    word.parse()
        .map_err(|error| RecordError::Malformed(STATE, Box::new(error)))
}
