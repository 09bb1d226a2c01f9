//! Lists the errors of the development issuer.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use coderun_domain::{BackendError, ByteSize};

use crate::private_file::UnsafePath;

/// Says why the development issuer could not be opened or could not issue a token.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The directory cannot be made or read.
    #[error("the directory `{}` for the development key cannot be used", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Others could replace the key in this directory.
    #[error("the directory `{}` is not safe for the development key: {problem}", path.display())]
    UnsafeDirectory {
        /// Which directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: UnsafePath,
    },
    /// The file cannot be read or written.
    #[error("the development key `{}` cannot be read or written", path.display())]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Others could read or replace the key.
    #[error("the development key `{}` is not safe: {problem}; delete it to get a new one", path.display())]
    UnsafeKeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: UnsafePath,
    },
    /// The file holds no usable key.
    #[error("the development key `{}` is damaged; delete it to get a new one", path.display())]
    DamagedKeyFile {
        /// Which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BackendError,
    },
    /// A token that is valid for so long, or not even a second, would be refused.
    #[error("a token must be valid for 1 second to {max:?}")]
    Lifetime {
        /// The longest lifetime.
        max: Duration,
    },
    /// A token that says so much would be refused.
    #[error("the token would be longer than {max}")]
    TooLong {
        /// The longest token.
        max: ByteSize,
    },
    /// A key cannot be made, or cannot sign.
    #[error("cannot make a key or a signature")]
    Cryptography(#[source] BackendError),
}
