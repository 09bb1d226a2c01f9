//! Describes failures of the connection, without the address and the key.

use std::error::Error;
use std::io;

use coderun_domain::ByteSize;

use super::SendState;

/// Why there is no usable answer.
///
/// The errors of `reqwest` are not kept as sources: they hold addresses, and so does their `Debug`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nothing of the request was sent.
    #[error("no connection could be made ({0})")]
    NotConnected(ConnectionFailure),
    /// The request may have been received, but the answer never began.
    #[error("the connection was lost before the answer ({0})")]
    Lost(ConnectionFailure),
    /// The answer ended too soon.
    #[error("the connection was lost during the answer")]
    Truncated,
    /// There was no answer in time.
    #[error("there was no answer in time")]
    NoAnswer,
    /// The answer is larger than the limit.
    #[error("the answer is larger than {max}")]
    TooLarge {
        /// The limit.
        max: ByteSize,
    },
}

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

impl std::fmt::Display for ConnectionFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "{kind}"),
            Self::Timeout => f.write_str("it took too long"),
            Self::Other => f.write_str("the protocol or the certificate is not valid"),
        }
    }
}

impl ClientError {
    /// Classifies an error. The request may have been received if any of its body was sent, or if it has none.
    pub(super) fn of(error: &reqwest::Error, state: Option<&SendState>) -> Self {
        let reason = reason(error);
        if state.map_or(!error.is_connect(), SendState::has_begun) {
            Self::Lost(reason)
        } else {
            Self::NotConnected(reason)
        }
    }
}

fn reason(error: &reqwest::Error) -> ConnectionFailure {
    if error.is_timeout() {
        return ConnectionFailure::Timeout;
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<io::Error>()
            && error.kind() != io::ErrorKind::Other
        {
            return ConnectionFailure::Kind(error.kind());
        }
        cause = current.source();
    }
    ConnectionFailure::Other
}
