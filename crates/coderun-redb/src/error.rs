//! Defines the errors of the file.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use coderun_domain::BackendError;
use coderun_record::RecordError;

/// Says why a file cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum RedbError {
    /// The folder, or the file in it, cannot be created.
    #[error("cannot create the folder `{}` and a file in it", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Another process has the file open.
    #[error("the folder `{}` is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A newer version of the service wrote the file, or something in it.
    #[error("the file was written by a newer version of the service")]
    Newer,
    /// Something in the file is malformed.
    #[error("a record in the file is damaged")]
    Damaged(#[source] BackendError),
    /// The file cannot be read or written.
    #[error("the file cannot be read or written")]
    File(#[source] BackendError),
    /// The thread that owns the file cannot be started.
    #[error("the thread that owns the file cannot be started")]
    NoThread(#[source] io::Error),
}

/// Maps the errors of redb.
macro_rules! file_errors {
    ($($error:ident),+) => { $(
        impl From<redb::$error> for RedbError {
            fn from(error: redb::$error) -> Self {
                Self::File(error.into())
            }
        }
    )+ };
}

file_errors!(
    CommitError,
    CompactionError,
    DatabaseError,
    SetDurabilityError,
    StorageError,
    TableError,
    TransactionError
);

impl From<RecordError> for RedbError {
    fn from(error: RecordError) -> Self {
        if matches!(error, RecordError::Newer) {
            return Self::Newer;
        }
        Self::Damaged(Box::new(error))
    }
}

/// Says why a step was not answered. It may have been done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepFault {
    /// The file cannot be used now; the log says why.
    #[error("the file cannot be written")]
    NotWritten,
    /// Too many steps wait, or the disk is too slow.
    #[error("a step was not done within {0:?}")]
    TimedOut(Duration),
}
