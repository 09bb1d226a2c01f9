//! Decodes the progress of an execution from the two fields that the scripts write.

use std::str::FromStr;
use std::sync::Arc;

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};
use coderun_record::{Fields, RecordError, VERSION, decode_outcome, from_micros};
use time::OffsetDateTime;

/// The field that never changes: `VERSION OWNER LANE SIZE BUDGET ORDER CREATED`.
const FIXED: &str = "fixed";
/// The field that every step rewrites: `STATUS ATTEMPT SEQUENCE UPDATED STARTED CANCEL SETTLED EXPIRES LIVES_UNTIL TAKEOVERS WORKER`.
pub(super) const STATE: &str = "state";

/// Whether this is the state of a final record that has expired.
pub(super) fn has_expired(state: &str, now: i64) -> bool {
    let mut words = state.split(' ');
    let is_final = words.next() == Some("final");
    let expires = words.nth(6).and_then(|word| word.parse::<i64>().ok());
    is_final && expires.is_some_and(|expires| expires <= now)
}

/// Decodes the progress.
pub(super) fn decode(fields: &mut Fields) -> Result<Progress, RecordError> {
    let fixed = fields.take_text(FIXED)?;
    if fixed.split(' ').next() != Some(VERSION) {
        return Err(RecordError::Newer);
    }
    let created = fixed.rsplit(' ').next().unwrap_or_default();
    let text = fields.take_text(STATE)?;
    let words: Vec<&str> = text.splitn(11, ' ').collect();
    let [
        status,
        attempt,
        sequence,
        updated,
        started,
        _cancel,
        _settled,
        _expires,
        _lives_until,
        takeovers,
        worker,
    ] = words[..]
    else {
        return Err(RecordError::Missing(STATE));
    };
    let updated_at = time(STATE, updated)?;
    let state = match status {
        "pending" => State::Pending,
        "running" => State::Running {
            worker: WorkerId::parse(worker)?,
            started_at: time(STATE, started)?,
        },
        "final" => State::Final {
            outcome: Arc::new(decode_outcome(fields)?),
            completed_at: updated_at,
        },
        _ => return Err(RecordError::Missing(STATE)),
    };
    Ok(Progress::restore(ProgressParts {
        state,
        attempt: Attempt::from_count(number(STATE, attempt)?),
        takeovers: number(STATE, takeovers)?,
        sequence: Sequence::from_number(number(STATE, sequence)?),
        created_at: time(STATE, created)?,
        updated_at,
    })?)
}

/// Reads a time of this field.
pub(super) fn time(field: &'static str, word: &str) -> Result<OffsetDateTime, RecordError> {
    from_micros(field, number(field, word)?)
}

fn number<T>(field: &'static str, word: &str) -> Result<T, RecordError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    word.parse()
        .map_err(|error| RecordError::Malformed(field, Box::new(error)))
}
