//! Lists the errors of service account files.

use std::path::PathBuf;

use crate::private_file::PrivateFileError;

/// Says why a service account could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the service account `{}` cannot be used", path.display())]
pub struct ServiceAccountError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub source: PrivateFileError,
}

/// Says what is wrong in the file of a service account, without quoting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountFormatError {
    /// It is longer than any such file.
    #[error("it is longer than {max_bytes} bytes")]
    TooLong {
        /// The greatest length.
        max_bytes: u64,
    },
    /// It is no JSON object, or has a field twice.
    #[error("it is no JSON object with each field once (line {line}, column {column})")]
    NotJson {
        /// The line where that was noticed, from 1.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A field is missing or says something else.
    #[error("the field `{name}` must be {expected}")]
    Field {
        /// The name of the field.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}
