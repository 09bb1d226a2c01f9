//! How far an execution has come: one field of words, and the outcome of one that is final.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use coderun_domain::{Attempt, Progress, ProgressParts, Sequence, State, WorkerId};
use time::OffsetDateTime;

use crate::outcome::{decode_outcome, encode_outcome};
use crate::{Field, Fields, RecordError, from_micros, micros};

/// The version of the form that is written here.
pub const VERSION: &str = "2";

/// `VERSION STATUS ATTEMPT TAKEOVERS SEQUENCE CREATED UPDATED STARTED WORKER`; only what runs has the last two.
const PROGRESS: &str = "progress";

/// Writes how far an execution has come: the field `progress`, and what [`encode_outcome`] writes of a final one. Together
/// they replace what was written before.
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

/// Reads how far an execution has come, and takes the fields in which that stands.
///
/// # Errors
/// [`RecordError::Newer`] if a newer version of the service wrote it; [`RecordError::Missing`],
/// [`RecordError::Malformed`], [`RecordError::Progress`], [`RecordError::Outcome`] and [`RecordError::Identifier`] if it is
/// damaged.
pub fn decode_progress(fields: &mut Fields) -> Result<Progress, RecordError> {
    let text = fields.text(PROGRESS)?;
    let mut words = text.splitn(9, ' ');
    let mut word = || words.next().ok_or(RecordError::Missing(PROGRESS));
    if word()? != VERSION {
        return Err(RecordError::Newer);
    }
    let status = word()?;
    let attempt = Attempt::from_count(number(word()?)?);
    let takeovers = number(word()?)?;
    let sequence = Sequence::from_number(number(word()?)?);
    let (created_at, updated_at) = (time(word()?)?, time(word()?)?);
    let state = match status {
        "pending" => State::Pending,
        "running" => State::Running {
            started_at: time(word()?)?,
            worker: WorkerId::parse(word()?)?,
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

fn time(word: &str) -> Result<OffsetDateTime, RecordError> {
    from_micros(PROGRESS, number(word)?)
}

fn number<T>(word: &str) -> Result<T, RecordError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    word.parse()
        .map_err(|error| RecordError::Malformed(PROGRESS, Box::new(error)))
}
