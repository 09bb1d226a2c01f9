//! What can go wrong with the file.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use coderun_domain::BackendError;
use coderun_record::RecordError;

/// Why a file cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum RedbError {
    /// The folder, or the file in it, cannot be made.
    #[error("cannot make the folder `{}` and a file in it", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Another process has the file open.
    #[error("the folder `{}` is in use by another process", folder.display())]
    InUse {
        /// Which one.
        folder: PathBuf,
    },
    /// A newer version of the service wrote the file, or something in it.
    #[error("the file was written by a newer version of the service")]
    Newer,
    /// Something in the file is not what it should be.
    #[error("a record in the file is damaged")]
    Damaged(#[source] BackendError),
    /// The file cannot be read or written.
    #[error("the file cannot be read or written")]
    File(#[source] BackendError),
    /// The thread that owns the file cannot be started, or has ended.
    #[error("nobody owns the file")]
    NoOwner(#[source] Option<io::Error>),
}

impl From<RecordError> for RedbError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Newer => Self::Newer,
            RecordError::Missing(_)
            | RecordError::Malformed(..)
            | RecordError::Event
            | RecordError::Input
            | RecordError::Progress(_)
            | RecordError::Submission(_)
            | RecordError::Outcome(_)
            | RecordError::Identifier(_)
            | RecordError::Language(_)
            | RecordError::Limit(_)
            | RecordError::Unwritable(_) => Self::Damaged(Box::new(error)),
        }
    }
}

/// Why a step was not done, as far as whoever asked for it can know: it may have been.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepFault {
    /// The file cannot be used now; its owner has said why.
    #[error("the file cannot be written")]
    NotWritten,
    /// The owner had too much to do, or the disk was too slow.
    #[error("a step was not done within {0:?}")]
    TimedOut(Duration),
}
