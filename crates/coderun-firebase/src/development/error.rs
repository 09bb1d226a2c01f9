//! Lists the errors of the development issuer.

use std::path::PathBuf;
use std::time::Duration;

use coderun_domain::{BackendError, ByteSize};

use crate::private_file::PrivateFileError;

/// Says why the development issuer could not be opened or could not issue a token.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The directory cannot be made or read, or others could replace the key in it.
    #[error("the directory `{}` cannot hold the development key", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What is wrong with it.
        source: PrivateFileError,
    },
    /// The file cannot be read or written, others could read or replace the key, or it holds no usable key.
    #[error("the development key `{}` cannot be used; delete it to get a new one", path.display())]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: PrivateFileError,
    },
    /// The verifier would refuse a token with this lifetime: it is too long, or shorter than a second.
    #[error("a token must be valid for 1 second to {max:?}")]
    Lifetime {
        /// The longest lifetime.
        max: Duration,
    },
    /// The verifier would refuse a token of this length.
    #[error("the token would be longer than {max}")]
    TooLong {
        /// The longest token.
        max: ByteSize,
    },
    /// A key cannot be made, or cannot sign.
    #[error("cannot make a key or a signature")]
    Cryptography(#[source] BackendError),
}
