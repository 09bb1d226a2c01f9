//! What is wrong with a record.

use coderun_domain::{
    BackendError, IdentifierError, LanguageNameError, OutcomeError, RestoreError, SubmissionError,
    ZeroLimit,
};

/// Why something cannot be read from its stored form, or written in it.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer version of the service wrote it.
    #[error("it was written by a newer version of the service")]
    Newer,
    /// A field that must be there is not, or holds no word that is known.
    #[error("the field `{0}` is missing")]
    Missing(&'static str),
    /// A field cannot be read.
    #[error("the field `{0}` is not as it should be")]
    Malformed(&'static str, #[source] BackendError),
    /// What is stored as an event is none.
    #[error("an event is not as it should be")]
    Event,
    /// What is stored as a piece of input is none.
    #[error("a piece of input is not as it should be")]
    Input,
    /// How far an execution has come contradicts itself.
    #[error(transparent)]
    Progress(#[from] RestoreError),
    /// A submission is not one that could have been accepted.
    #[error(transparent)]
    Submission(#[from] SubmissionError),
    /// An outcome contradicts itself.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// A user or a worker has no good name.
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    /// A language has no good name.
    #[error(transparent)]
    Language(#[from] LanguageNameError),
    /// A limit is zero.
    #[error(transparent)]
    Limit(#[from] ZeroLimit),
    /// It cannot be written.
    #[error("cannot write what is to be stored")]
    Unwritable(#[source] BackendError),
}

impl RecordError {
    pub(crate) fn unwritable(error: serde_json::Error) -> Self {
        Self::Unwritable(error.into())
    }
}
