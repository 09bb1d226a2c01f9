//! Stores the progress of an execution: one field of words, and the outcome of a final execution.

use std::borrow::Cow;
use std::sync::Arc;

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};

use crate::outcome::{decode_outcome, encode_outcome};
use crate::{Field, Fields, RecordError, Words, micros};

/// The version of the stored form.
pub const VERSION: &str = "2";

/// `VERSION STATUS ATTEMPT TAKEOVERS SEQUENCE CREATED UPDATED STARTED WORKER`; only a running execution has the last two.
const PROGRESS: &str = "progress";

/// Writes progress: the field `progress`, and the fields of [`encode_outcome`] for a final execution. Together they replace
/// those that were written before.
///
/// # Errors
/// [`RecordError::Unwritable`].
pub fn encode_progress(progress: &Progress) -> Result<Vec<Field<'_>>, RecordError> {
    let (status, rest, outcome) = match progress.state() {
        State::Pending => ("pending", String::new(), Vec::new()),
        State::Running { worker, started_at } => {
            let rest = format!(" {} {worker}", micros(*started_at));
            ("running", rest, Vec::new())
        }
        State::Final { outcome, .. } => ("final", String::new(), encode_outcome(outcome)?),
    };
    let words = format!(
        "{VERSION} {status} {} {} {} {} {}{rest}",
        progress.attempt(),
        progress.takeovers(),
        progress.sequence().number(),
        micros(progress.created_at()),
        micros(progress.updated_at()),
    );
    let mut fields: Vec<Field<'_>> = vec![(PROGRESS, Cow::from(words.into_bytes()))];
    fields.extend(outcome);
    Ok(fields)
}

/// Reads progress, and takes its fields.
///
/// # Errors
/// [`RecordError::Newer`] if a newer version of the service wrote it; [`RecordError::Missing`],
/// [`RecordError::Malformed`], [`RecordError::Progress`], [`RecordError::Outcome`] and [`RecordError::Identifier`] if it is
/// damaged.
pub fn decode_progress(fields: &mut Fields) -> Result<Progress, RecordError> {
    let text = fields.take_text(PROGRESS)?;
    let mut words = Words::new(PROGRESS, &text, 9);
    if words.word()? != VERSION {
        return Err(RecordError::Newer);
    }
    let status = words.word()?;
    let attempt = Attempt::from_count(words.number()?);
    let takeovers = words.number()?;
    let sequence = Sequence::from_number(words.number()?);
    let (created_at, updated_at) = (words.time()?, words.time()?);
    let state = match status {
        "pending" => State::Pending,
        "running" => State::Running {
            started_at: words.time()?,
            worker: WorkerId::parse(words.word()?)?,
        },
        "final" => State::Final {
            outcome: Arc::new(decode_outcome(fields)?),
            completed_at: updated_at,
        },
        _ => return Err(RecordError::Missing(PROGRESS)),
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
