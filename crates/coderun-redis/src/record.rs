//! The stored form of executions, and the way there and back.
//!
//! An execution is a hash. Texts and output are fields of their own, byte for byte, so that nothing is escaped and an
//! operator can look at them; what is small and structured is JSON. The form has a version: a replica that meets a
//! newer one leaves it alone.

mod event;
mod fields;
mod limits;
mod moment;
mod offer;
mod outcome;
mod progress;
mod report;
mod submission;
mod summary;

use coderun_domain::{
    BackendError, Execution, ExecutionId, IdentifierError, LanguageNameError, OutcomeError,
    RestoreError, SubmissionError, ZeroLimit,
};

pub(crate) use event::{StoredForm, encode_chunk};
pub(crate) use fields::Fields;
pub(crate) use moment::{duration_micros, micros};
pub(crate) use offer::{StoredOffer, encode_offer};
pub(crate) use outcome::{decode_outcome, encode_outcome};
pub(crate) use submission::encode_submission;
pub(crate) use summary::decode_summary;

/// The version of the form that is written here; the scripts know it, too.
const VERSION: &str = "1";

/// A field of a record and its value.
pub(crate) type Field<'a> = (&'static str, std::borrow::Cow<'a, [u8]>);

/// Reads a whole record.
pub(crate) fn decode_execution(
    id: ExecutionId,
    mut fields: Fields,
) -> Result<Execution, RecordError> {
    let fixed = progress::fixed(&mut fields)?;
    if progress::version(&fixed) != VERSION {
        return Err(RecordError::Newer);
    }
    let progress = progress::decode(&fixed, &mut fields)?;
    let submission = submission::decode(&mut fields)?;
    Ok(Execution::restore(id, submission, progress))
}

/// Why a stored record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// A newer version of the service wrote it.
    #[error("it was written by a newer version of the service")]
    Newer,
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    #[error("the field `{0}` is not as it should be")]
    Malformed(&'static str, #[source] BackendError),
    #[error("an event is not as it should be")]
    Event,
    #[error(transparent)]
    Progress(#[from] RestoreError),
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    #[error(transparent)]
    Language(#[from] LanguageNameError),
    #[error(transparent)]
    Limit(#[from] ZeroLimit),
}

#[cfg(test)]
mod tests;
