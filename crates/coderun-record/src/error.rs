//! Defines what can be wrong with a stored form.

use coderun_domain::{
    BackendError, IdentifierError, LanguageNameError, OutcomeError, RestoreError, SubmissionError,
    ZeroLimit,
};

/// Says why a value cannot be read from its stored form, or written to it.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer version of the service wrote it.
    #[error("the record was written by a newer version of the service")]
    Newer,
    /// A required field is missing, or holds an unknown word.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A field cannot be read.
    #[error("the field `{0}` is malformed")]
    Malformed(&'static str, #[source] BackendError),
    /// A stored event is malformed.
    #[error("an event is malformed")]
    Event,
    /// A stored piece of input is malformed.
    #[error("a piece of input is malformed")]
    Input,
    /// Progress contradicts itself.
    #[error(transparent)]
    Progress(#[from] RestoreError),
    /// A submission could not have been accepted.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// An outcome contradicts itself.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// The name of a user or a worker is invalid.
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    /// The name of a language is invalid.
    #[error(transparent)]
    Language(#[from] LanguageNameError),
    /// A limit is zero.
    #[error(transparent)]
    Limit(#[from] ZeroLimit),
    /// A value cannot be written.
    #[error("cannot encode a value")]
    Unwritable(#[source] BackendError),
}

impl RecordError {
    pub(crate) fn unwritable(error: impl Into<BackendError>) -> Self {
        Self::Unwritable(error.into())
    }
}
