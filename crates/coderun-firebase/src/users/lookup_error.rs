//! Defines the errors of looking up a user.

use std::sync::Arc;
use std::time::Duration;

use super::answer::AnswerError;
use crate::http_client::HttpError;
use crate::service_account::TokenError;

/// Why a user could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// The lookup took too long.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// No access token could be obtained.
    #[error("there is no access token for the service account")]
    Token(#[source] Arc<TokenError>),
    /// The service does not accept the service account.
    #[error("the service account may not look up users")]
    Refused(#[source] HttpError),
    /// The request or the answer did not get through.
    #[error("the lookup request failed")]
    Http(#[source] HttpError),
    /// The answer cannot be used.
    #[error("the answer about a user cannot be used")]
    Answer(#[source] AnswerError),
    /// Too many lookups wait already.
    #[error("too many lookups are waiting")]
    TooManyLookups,
    /// The circuit breaker is open; the source is the last failure.
    #[error("lookups are paused after repeated failures")]
    CircuitOpen(#[source] Arc<Self>),
    /// The lookup was cancelled, because the `AccountLookup` was dropped.
    #[error("the lookup was cancelled")]
    Cancelled,
}

impl LookupError {
    /// A stable label for logs.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timed-out",
            Self::Token(_) => "no-access-token",
            Self::Refused(_) => "refused",
            Self::Http(_) => "http",
            Self::Answer(_) => "answer",
            Self::TooManyLookups => "too-many-lookups",
            Self::CircuitOpen(_) => "circuit-open",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether lookups of other users fail as well; such errors open the circuit breaker. An answer that cannot be used may be
    /// about this user alone.
    pub(super) fn is_systemic(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Token(_) | Self::Refused(_) => true,
            Self::Http(error) => !error.is_request_specific(),
            Self::Answer(_) | Self::TooManyLookups | Self::CircuitOpen(_) | Self::Cancelled => {
                false
            }
        }
    }
}

impl From<HttpError> for LookupError {
    fn from(error: HttpError) -> Self {
        if error.is_refusal() {
            Self::Refused(error)
        } else {
            Self::Http(error)
        }
    }
}
