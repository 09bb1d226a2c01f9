//! Decodes the progress of an execution from the two fields that the scripts write.

use std::sync::Arc;

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};
use coderun_record::{Fields, RecordError, VERSION, Words, decode_outcome};

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
    let created_at = Words::new(FIXED, created, 1).time()?;
    let text = fields.take_text(STATE)?;
    let mut words = Words::new(STATE, &text, 11);
    let status = words.word()?;
    let attempt = Attempt::from_count(words.number()?);
    let sequence = Sequence::from_number(words.number()?);
    let (updated_at, started_at) = (words.time()?, words.time()?);
    for _unused in ["cancel", "settled", "expires", "lives_until"] {
        words.word()?;
    }
    let takeovers = words.number()?;
    let worker = words.word()?;
    let state = match status {
        "pending" => State::Pending,
        "running" => State::Running {
            worker: WorkerId::parse(worker)?,
            started_at,
        },
        "final" => State::Final {
            outcome: Arc::new(decode_outcome(fields)?),
            completed_at: updated_at,
        },
        _ => return Err(RecordError::Missing(STATE)),
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
