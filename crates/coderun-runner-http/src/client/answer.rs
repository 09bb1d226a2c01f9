//! Holds what an API answered, and says what its status means.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;

use crate::error::ApiError;

/// What an API answered, whatever the status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// When to ask again, if the API said so.
    pub(crate) retry_after: Option<Duration>,
    /// The whole body; empty if that of an error could not be read.
    pub(crate) body: Bytes,
}

impl Answer {
    /// What a status means that is not the API's own.
    pub(crate) fn error(&self) -> ApiError {
        match self.status.as_u16() {
            401 | 403 => ApiError::Unusable("the API refused our key"),
            404 | 405 => ApiError::Unusable("there is no such API at this address"),
            415 => ApiError::Unusable("the API does not accept JSON: is the address right?"),
            429 | 503 => ApiError::Overloaded {
                retry_after: self.retry_after,
            },
            300..=399 => ApiError::Unusable("the API redirects: set its final address"),
            100..=299 => ApiError::Unusable("the API answers with an unexpected status"),
            400..=499 => ApiError::Unusable("the API refuses all programs"),
            _ => ApiError::Failed(self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::busy(429, true, false)]
    #[case::unavailable(503, true, false)]
    #[case::failed(500, false, false)]
    #[case::bad_gateway(502, false, true)]
    #[case::gateway_timeout(504, false, true)]
    #[case::unknown_proxy(524, false, true)]
    #[case::unauthorized(401, false, false)]
    #[case::redirect(302, false, false)]
    #[case::no_content(204, false, false)]
    #[case::unknown_refusal(418, false, false)]
    fn a_status_tells_whether_to_ask_again_and_whether_the_program_may_run(
        #[case] status: u16,
        #[case] is_retryable: bool,
        #[case] may_run: bool,
    ) {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Bytes::new(),
        };
        let error = answer.error();
        assert_eq!(error.is_retryable(), is_retryable);
        assert_eq!(error.leaves_program_running(), may_run);
    }
}
