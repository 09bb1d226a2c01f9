//! Sends HTTP requests, and reads no more of an answer than was expected.

use std::time::Duration;

use coderun_domain::{BearerToken, ByteSize};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url};

use crate::start_error::StartError;

/// A client with a bound on the length of answers.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    client: Client,
    answer_max: ByteSize,
}

/// A `POST` request.
#[derive(Debug)]
pub(crate) struct PostRequest<'secret> {
    pub(crate) url: Url,
    pub(crate) bearer: Option<&'secret BearerToken>,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl HttpClient {
    pub(crate) fn new(builder: ClientBuilder, answer_max: ByteSize) -> Result<Self, StartError> {
        Ok(Self {
            client: builder
                .build()
                .map_err(|error| StartError::Client(error.into()))?,
            answer_max,
        })
    }

    /// A client for short questions about users and access tokens.
    pub(crate) fn for_google() -> Result<Self, StartError> {
        // A user with everything that Firebase can know of one is a tenth of it.
        Self::new(builder(Duration::from_secs(2)), ByteSize::from_kib(64))
    }

    /// Gets the headers and the body of an answer. Cancel-safe.
    pub(crate) async fn get(&self, url: Url) -> Result<(HeaderMap, Vec<u8>), HttpError> {
        self.send(self.client.get(url)).await
    }

    /// Posts a request and reads the whole answer. Sets no deadline; cancel-safe.
    pub(crate) async fn post(&self, post: PostRequest<'_>) -> Result<Vec<u8>, HttpError> {
        let mut request = self
            .client
            .post(post.url)
            .header(CONTENT_TYPE, post.content_type)
            .body(post.body);
        if let Some(bearer) = post.bearer {
            request = request.bearer_auth(bearer.expose());
        }
        Ok(self.send(request).await?.1)
    }

    async fn send(&self, request: RequestBuilder) -> Result<(HeaderMap, Vec<u8>), HttpError> {
        let answer = request.send().await?;
        if answer.status() != StatusCode::OK {
            return Err(HttpError::Status(answer.status().as_u16()));
        }
        let headers = answer.headers().clone();
        Ok((headers, self.read_body(answer).await?))
    }

    /// Reads a body as far as it may go; its announced length is not trusted.
    async fn read_body(&self, mut answer: Response) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await? {
            body.extend_from_slice(&part);
            if ByteSize::of(&body) > self.answer_max {
                return Err(HttpError::TooLong {
                    max: self.answer_max,
                });
            }
        }
        Ok(body)
    }
}

/// A client that follows no redirects, retries nothing, and uses no proxy from the environment.
pub(crate) fn builder(connect_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("coderun/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        // A small body must not grow after it was measured.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
}

/// Says why there is no answer. Holds neither the URL nor anything of the answer but its status.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The request or its answer did not get through.
    #[error("the request failed")]
    Request(#[source] reqwest::Error),
    /// The answer is not a `200`.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// The answer is too long.
    #[error("the answer is longer than {} bytes", max.as_bytes())]
    TooLong { max: ByteSize },
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }
}

impl HttpError {
    /// Whether another request might have been answered: the service refused this one, or its answer was too long.
    pub(crate) const fn is_request_specific(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 400..=499) && *status != 429,
            Self::TooLong { .. } => true,
            Self::Request(_) => false,
        }
    }

    /// Whether the service did not accept the credentials.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Status(401 | 403))
    }
}
