//! Defines why an API gave no result, and which error of the port that is.

use std::time::Duration;

use coderun_domain::{Language, RunnerError};
use reqwest::StatusCode;

use crate::client::{Answer, ClientError};

/// The longest that a run or a probe waits because the API asks for it.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Why there is no result. Nothing in it tells the address of the API or the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// There is no usable answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No permit was free in time.
    #[error("no permit was free in time")]
    NoPermit,
    /// The API is overloaded.
    #[error("the API is overloaded")]
    Overloaded {
        /// When to ask again, if the API said so.
        retry_after: Option<Duration>,
    },
    /// The API failed.
    #[error("the API failed with status {}", .0.as_u16())]
    Failed(StatusCode),
    /// The API does not work for us, and an operator must act.
    #[error("{0}")]
    Unusable(&'static str),
    /// The API no longer has the runtime.
    #[error("the API does not have the runtime")]
    UnknownRuntime,
    /// The answer is not the JSON that the API documents.
    #[error("the answer is not as documented: see its line {line}, column {column}")]
    Malformed {
        /// Where it is not.
        line: usize,
        /// Where it is not.
        column: usize,
    },
    /// The fields of the answer contradict each other.
    #[error("the answer contradicts itself: {0}")]
    Contradiction(&'static str),
}

impl From<serde_json::Error> for ApiError {
    /// Keeps the position alone: the text of the error quotes the answer.
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed {
            line: error.line(),
            column: error.column(),
        }
    }
}

impl ApiError {
    /// What a status means that is not the API's own.
    pub(crate) fn of_status(answer: &Answer) -> Self {
        match answer.status.as_u16() {
            401 | 403 => Self::Unusable("the API refused our key"),
            404 | 405 => Self::Unusable("there is no such API at this address"),
            415 => Self::Unusable("the API does not accept JSON: is the address right?"),
            429 | 503 => Self::Overloaded {
                retry_after: answer.retry_after,
            },
            300..=399 => Self::Unusable("the API redirects: set its final address"),
            100..=299 => Self::Unusable("the API answers with an unexpected status"),
            400..=499 => Self::Unusable("the API refuses all programs"),
            _ => Self::Failed(answer.status),
        }
    }

    /// Whether the program was certainly not run and the next try may succeed soon.
    pub(crate) fn is_retryable(&self) -> bool {
        matches!(self, Self::Client(ClientError::NotConnected(_)))
            || matches!(self, Self::Overloaded { retry_after } if is_short(*retry_after))
    }

    /// Whether it tells something about the API, not about one program alone.
    pub(crate) const fn is_outage(&self) -> bool {
        let is_unreadable = matches!(self, Self::Malformed { .. } | Self::Contradiction(_));
        let is_too_large = matches!(self, Self::Client(ClientError::TooLarge { .. }));
        !(is_unreadable || is_too_large || matches!(self, Self::NoPermit | Self::UnknownRuntime))
    }

    /// Whether the program may still run: only the API itself knows that it has ended.
    pub(crate) fn leaves_program_running(&self) -> bool {
        // An API says 500 when a run is over. The others come from a proxy in between.
        let is_of_proxy = |status: &StatusCode| *status != StatusCode::INTERNAL_SERVER_ERROR;
        matches!(
            self,
            Self::Client(ClientError::Lost(_) | ClientError::NoAnswer)
        ) || matches!(self, Self::Failed(status) if is_of_proxy(status))
    }

    /// How long the API asks not to be called.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        if let Self::Overloaded { retry_after } = self {
            *retry_after
        } else {
            None
        }
    }

    /// The error of the port, for this runner and a program in this language.
    pub(crate) fn into_runner_error(
        self,
        backend: &'static str,
        language: Option<&Language>,
    ) -> RunnerError {
        let unavailable = |reason: String| RunnerError::Unavailable {
            backend,
            reason,
            source: None,
        };
        match (self, language) {
            (Self::NoPermit, _) => RunnerError::Overloaded { retry_after: None },
            (Self::Overloaded { retry_after }, _) if is_short(retry_after) => {
                RunnerError::Overloaded { retry_after }
            }
            (Self::Overloaded { .. }, _) => unavailable(format!(
                "the API asks not to be called for more than {} s",
                RETRY_AFTER_MAX.as_secs()
            )),
            (Self::UnknownRuntime, Some(language)) => RunnerError::Unsupported {
                language: language.clone(),
            },
            (error @ (Self::Malformed { .. } | Self::Contradiction(_)), _) => RunnerError::Broken {
                backend,
                source: Box::new(error),
            },
            (error, _) => unavailable(error.to_string()),
        }
    }
}

fn is_short(retry_after: Option<Duration>) -> bool {
    retry_after.is_none_or(|wait| wait <= RETRY_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    fn of_status(status: u16) -> ApiError {
        ApiError::of_status(&Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Bytes::new(),
        })
    }

    #[rstest]
    #[case(429, true)]
    #[case(503, true)]
    #[case(500, false)]
    #[case(502, false)]
    #[case(401, false)]
    #[case(302, false)]
    #[case(204, false)]
    #[case(418, false)]
    fn only_an_overloaded_api_is_asked_again(#[case] status: u16, #[case] expected: bool) {
        assert_eq!(of_status(status).is_retryable(), expected);
    }

    #[rstest]
    #[case::its_own_failure(500, false)]
    #[case::refused(503, false)]
    #[case::bad_gateway(502, true)]
    #[case::gateway_timeout(504, true)]
    #[case::unknown_proxy(524, true)]
    fn a_program_may_still_run_after_a_failure_of_a_proxy(
        #[case] status: u16,
        #[case] expected: bool,
    ) {
        assert_eq!(of_status(status).leaves_program_running(), expected);
    }

    #[test]
    fn a_program_may_still_run_after_no_answer() {
        assert!(ApiError::Client(ClientError::NoAnswer).leaves_program_running());
    }

    #[rstest]
    #[case(None, true)]
    #[case(Some(30), true)]
    #[case(Some(31), false)]
    fn a_long_retry_after_makes_the_api_unavailable(
        #[case] seconds: Option<u64>,
        #[case] is_waited_for: bool,
    ) {
        let retry_after = seconds.map(Duration::from_secs);
        let error = ApiError::Overloaded { retry_after };
        assert_eq!(error.is_retryable(), is_waited_for);
        let error = error.into_runner_error("x", None);
        let is_overloaded = matches!(error, RunnerError::Overloaded { .. });
        assert_eq!(is_overloaded, is_waited_for);
    }
}
