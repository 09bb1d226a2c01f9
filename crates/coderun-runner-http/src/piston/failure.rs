//! What the runner's own failures are called at the port.

use std::time::Duration;

use coderun_domain::RunnerError;
use reqwest::StatusCode;

use super::NAME;
use super::judge::Contradiction;
use super::response::Malformed;
use crate::client::Fault;

/// Why there is no result. Nothing in it tells where Piston is or how it knows us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// There is no usable answer.
    #[error(transparent)]
    Client(#[from] Fault),
    /// The answer is not one of Piston's.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The answer makes no sense.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// It has too much to do.
    #[error("the API has too much to do")]
    Busy {
        /// When to ask again, if it said so.
        retry_after: Option<Duration>,
    },
    /// It does not work for us.
    #[error("{0}")]
    Unusable(&'static str),
    /// It failed.
    #[error("the API failed with status {}", .0.as_u16())]
    Failed(StatusCode),
}

impl From<Failure> for RunnerError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Busy { retry_after } => Self::Overloaded { retry_after },
            Failure::Malformed(_)
            | Failure::Contradiction(_)
            | Failure::Failed(StatusCode::INTERNAL_SERVER_ERROR)
            | Failure::Client(Fault::TooLarge { .. }) => Self::Broken {
                backend: NAME,
                source: Box::new(failure),
            },
            Failure::Unusable(reason) => unavailable(reason.to_owned()),
            Failure::Client(
                Fault::NotConnected(_) | Fault::Lost(_) | Fault::Truncated | Fault::NoAnswer,
            )
            | Failure::Failed(_) => unavailable(failure.to_string()),
        }
    }
}

fn unavailable(reason: String) -> RunnerError {
    RunnerError::Unavailable {
        backend: NAME,
        reason,
        source: None,
    }
}
