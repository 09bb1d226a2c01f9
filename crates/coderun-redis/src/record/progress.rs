//! How far an execution has come: fields that the scripts change.

use std::sync::Arc;

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};

use super::{Fields, RecordError, moment, outcome};

/// Reads where a record stands.
pub(super) fn decode(fields: &mut Fields) -> Result<Progress, RecordError> {
    let updated_at = moment::take(fields, "updated")?;
    let state = match fields.text("status")?.as_str() {
        "pending" => State::Pending,
        "running" => State::Running {
            worker: WorkerId::parse(fields.text("worker")?)?,
            started_at: moment::take(fields, "started")?,
        },
        "final" => State::Final {
            outcome: Arc::new(outcome::decode_outcome(fields)?),
            completed_at: updated_at,
        },
        _ => return Err(RecordError::Missing("status")),
    };
    Ok(Progress::restore(ProgressParts {
        state,
        attempt: Attempt::from_count(fields.number("attempt")?),
        sequence: Sequence::from_number(fields.number("sequence")?),
        created_at: moment::take(fields, "created")?,
        updated_at,
    })?)
}
