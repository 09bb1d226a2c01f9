//! What goes wrong between us and an API, in words that tell neither where it is nor how it knows us.

use std::error::Error;
use std::io;

use coderun_domain::ByteSize;

use super::Sending;

/// Why there is no usable answer.
///
/// The client's own errors are not kept as sources: they hold addresses, and so does their `Debug`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Nothing of the request was sent.
    #[error("no connection could be made ({0})")]
    NotConnected(Reason),
    /// The request may have been received, but the answer never began.
    #[error("the connection was lost before the answer ({0})")]
    Lost(Reason),
    /// The answer ended too soon.
    #[error("the connection was lost during the answer")]
    Truncated,
    /// There was no answer in time.
    #[error("there was no answer in time")]
    NoAnswer,
    /// The answer is larger than we take.
    #[error("the answer is larger than {max}")]
    TooLarge {
        /// The largest that we take.
        max: ByteSize,
    },
}

/// Why a connection failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// What the machine said.
    Kind(io::ErrorKind),
    /// It took too long.
    TooSlow,
    /// Something else, such as a certificate that nobody knows.
    Other,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "{kind}"),
            Self::TooSlow => f.write_str("it took too long"),
            Self::Other => f.write_str("the protocol or the certificate was not as it should be"),
        }
    }
}

impl Fault {
    /// Names an error of a request, which may have been received if any of its body was sent, or if it has none.
    pub(super) fn of(error: &reqwest::Error, sending: Option<&Sending>) -> Self {
        let reason = reason(error);
        if sending.map_or(!error.is_connect(), Sending::has_begun) {
            Self::Lost(reason)
        } else {
            Self::NotConnected(reason)
        }
    }
}

fn reason(error: &reqwest::Error) -> Reason {
    if error.is_timeout() {
        return Reason::TooSlow;
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<io::Error>()
            && error.kind() != io::ErrorKind::Other
        {
            return Reason::Kind(error.kind());
        }
        cause = current.source();
    }
    Reason::Other
}
