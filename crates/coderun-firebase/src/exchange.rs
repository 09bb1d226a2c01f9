//! Asks a service over HTTP, and takes no more of its answer than was expected.

use std::time::Duration;

use coderun_domain::{BearerToken, ByteSize};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};

use crate::http_client::{BodyError, client_builder, read_body};

/// The longest answer that is read. A user with everything that Firebase can know of one is a tenth of it.
const ANSWER_MAX: ByteSize = ByteSize::from_kib(64);

/// Making a connection takes at most so long; the rest is bounded by whoever asks.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks questions, and reads short answers.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    client: Client,
}

/// A request with a body.
#[derive(Debug)]
pub(crate) struct Question<'secret> {
    pub(crate) url: Url,
    pub(crate) bearer: Option<&'secret BearerToken>,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl Exchange {
    pub(crate) fn new() -> Result<Self, ExchangeError> {
        let client = client_builder(CONNECT_TIMEOUT).build();
        Ok(Self {
            client: client.map_err(ExchangeError::Client)?,
        })
    }

    /// Sends the question with `POST` and reads the whole answer. Sets no deadline; cancel-safe.
    pub(crate) async fn post(&self, question: Question<'_>) -> Result<Vec<u8>, ExchangeError> {
        let mut request = self
            .client
            .post(question.url)
            .header(CONTENT_TYPE, question.content_type)
            .body(question.body);
        if let Some(bearer) = question.bearer {
            request = request.bearer_auth(bearer.expose());
        }
        let answer = request.send().await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(ExchangeError::Status(answer.status()));
        }
        Ok(read_body(answer, ANSWER_MAX).await?)
    }
}

fn failed(error: reqwest::Error) -> ExchangeError {
    ExchangeError::Failed(error.without_url())
}

/// Says why there is no answer; never what stood in one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// There is no client, for lack of trusted certificates for example.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// The request or its answer did not get through.
    #[error("the request failed")]
    Failed(#[source] reqwest::Error),
    /// The answer is not the wanted one.
    #[error("the answer has status {0}")]
    Status(StatusCode),
    /// The answer goes on and on.
    #[error("the answer is longer than {ANSWER_MAX}")]
    TooLong,
}

impl From<BodyError> for ExchangeError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Failed(error) => failed(error),
            BodyError::TooLong { .. } => Self::TooLong,
        }
    }
}

impl ExchangeError {
    /// Whether another question might have been answered: the service did not like this one, or had too much to say.
    pub(crate) fn is_about_the_question(&self) -> bool {
        match self {
            Self::Status(status) => {
                status.is_client_error() && *status != StatusCode::TOO_MANY_REQUESTS
            }
            Self::TooLong => true,
            Self::Client(_) | Self::Failed(_) => false,
        }
    }

    /// Whether the service did not accept who asked.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Status(status) => {
                [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(status)
            }
            Self::Client(_) | Self::Failed(_) | Self::TooLong => false,
        }
    }
}
