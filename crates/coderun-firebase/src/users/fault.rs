//! Why a user could not be looked up.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::VerifyError;

use super::answer::AnswerError;
use crate::exchange::ExchangeError;
use crate::service_account::TokenFault;

/// Says why a user could not be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupFault {
    /// The lookup took too long.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// There is no access token to ask with.
    #[error("there is no access token for the service account")]
    Token(#[source] Arc<TokenFault>),
    /// The service does not accept the service account.
    #[error("the service account may not look up users")]
    Refused(#[source] ExchangeError),
    /// The question could not be written.
    #[error("the question about a user cannot be written")]
    Question(#[source] serde_json::Error),
    /// The question or the answer did not get through.
    #[error("the users cannot be asked for")]
    Exchange(#[source] ExchangeError),
    /// The answer cannot be used.
    #[error("the answer about a user cannot be used")]
    Answer(#[source] AnswerError),
    /// Too many lookups wait already.
    #[error("too many lookups are waiting")]
    Crowded,
    /// Nobody is asked for at present, because that failed again and again.
    #[error("lookups rest after failures")]
    Resting(#[source] Arc<Self>),
    /// The lookup was given up, because the directory is going away.
    #[error("the lookup was given up")]
    Ended,
}

impl LookupFault {
    /// The word for what went wrong, for logs.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timed-out",
            Self::Token(_) => "no-access-token",
            Self::Refused(_) => "refused",
            Self::Question(_) => "question",
            Self::Exchange(_) => "exchange",
            Self::Answer(_) => "answer",
            Self::Crowded => "crowded",
            Self::Resting(_) => "resting",
            Self::Ended => "ended",
        }
    }
}

impl LookupFault {
    /// Whether it would have met any other user as well.
    pub(super) fn is_general(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Token(_) | Self::Refused(_) => true,
            Self::Exchange(error) => !error.is_about_the_question(),
            Self::Question(_)
            | Self::Answer(_)
            | Self::Crowded
            | Self::Resting(_)
            | Self::Ended => false,
        }
    }
}

impl From<ExchangeError> for LookupFault {
    fn from(error: ExchangeError) -> Self {
        if error.is_refusal() {
            Self::Refused(error)
        } else {
            Self::Exchange(error)
        }
    }
}

/// Says that nothing usable is known of a user.
#[derive(Debug, Clone)]
pub(super) struct Unavailable {
    pub(super) retry_after: Duration,
    pub(super) fault: Arc<LookupFault>,
}

impl From<Unavailable> for VerifyError {
    fn from(error: Unavailable) -> Self {
        Self::UsersUnavailable {
            retry_after: error.retry_after,
            source: Box::new(error.fault),
        }
    }
}
