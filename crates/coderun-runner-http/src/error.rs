//! Defines why an API gave no result, and which error of the port that is.

use std::time::Duration;

use coderun_domain::{ByteSize, Language, RunnerError};
use hyper::StatusCode;

/// The longest that a run or a probe waits because the API asks for it.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Why there is no result. Nothing in it tells the address of the API or the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// Nothing of the request was sent.
    #[error("no connection could be made ({0})")]
    NotConnected(String),
    /// The request may have been received, but the answer never began.
    #[error("the connection was lost before the answer ({0})")]
    Lost(String),
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
    /// Whether the program was certainly not run and the next try may succeed soon.
    pub(crate) fn is_retryable(&self) -> bool {
        matches!(self, Self::NotConnected(_))
            || matches!(self, Self::Overloaded { retry_after } if is_short(*retry_after))
    }

    /// Whether it tells something about the API, not about one program alone.
    pub(crate) const fn is_outage(&self) -> bool {
        !matches!(
            self,
            Self::Malformed { .. }
                | Self::Contradiction(_)
                | Self::TooLarge { .. }
                | Self::NoPermit
                | Self::UnknownRuntime
        )
    }

    /// Whether the program may still run: only the API itself knows that it has ended.
    pub(crate) fn leaves_program_running(&self) -> bool {
        if let Self::Failed(status) = self {
            // An API says 500 when a run is over. The others come from a proxy in between.
            return *status != StatusCode::INTERNAL_SERVER_ERROR;
        }
        matches!(self, Self::Lost(_) | Self::NoAnswer)
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
            // A run waits for an API that is down as for one that has no capacity: it was certainly not tried.
            (Self::NoPermit, _) | (Self::NotConnected(_), Some(_)) => {
                RunnerError::Overloaded { retry_after: None }
            }
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
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_run_waits_for_an_api_that_is_down_and_a_check_says_so() {
        let error = ApiError::NotConnected("refused".to_owned());
        let python = coderun_domain::testing::language("python");
        let of_run = error.clone().into_runner_error("x", Some(&python));
        assert!(
            matches!(of_run, RunnerError::Overloaded { .. }),
            "{of_run:?}"
        );
        let of_check = error.into_runner_error("x", None).to_string();
        assert!(
            of_check.contains("no connection could be made"),
            "{of_check}"
        );
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
