//! Names the reason for which a connection failed, without the address.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectionFailure {
    /// The error of the operating system.
    Kind(io::ErrorKind),
    /// The connection took too long.
    Timeout,
    /// Something else, such as an unknown certificate.
    Other,
}

impl fmt::Display for ConnectionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "{kind}"),
            Self::Timeout => f.write_str("it took too long"),
            Self::Other => f.write_str("the protocol or the certificate is not valid"),
        }
    }
}

impl From<&reqwest::Error> for ConnectionFailure {
    fn from(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let mut cause = error.source();
        while let Some(current) = cause {
            if let Some(error) = current.downcast_ref::<io::Error>()
                && error.kind() != io::ErrorKind::Other
            {
                return Self::Kind(error.kind());
            }
            cause = current.source();
        }
        Self::Other
    }
}
