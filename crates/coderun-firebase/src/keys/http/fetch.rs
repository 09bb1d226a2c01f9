//! Fetches a set of keys, once.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::ByteSize;
use reqwest::{Client, StatusCode};

use super::config::HttpKeysConfig;
use super::freshness::fresh_for;
use crate::config::Endpoint;
use crate::http_client::{BodyError, client_builder, read_body};
use crate::keys::{KeySet, KeySetError};

/// Fetches a set of keys.
///
/// Apart from the cache, so that its tests can let days pass without a network that would wait for them.
#[async_trait]
pub(super) trait KeyFetch: fmt::Debug + Send + Sync + 'static {
    /// One attempt. Ends by itself, whatever the publisher does.
    async fn fetch(&self) -> Result<FetchedKeys, FetchError>;
}

/// A set of keys, as it came.
#[derive(Debug)]
pub(super) struct FetchedKeys {
    pub(super) keys: KeySet,
    /// How long it is fresh, counted from the request.
    pub(super) fresh_for: Duration,
}

/// Says why keys were not fetched. Holds neither the URL nor anything of the answer but its status.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The request or its answer failed.
    #[error("the request failed")]
    Request(#[source] reqwest::Error),
    /// The answer is not a `200`.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// The answer is too long.
    #[error("the answer is longer than {} bytes", max.as_bytes())]
    TooLong { max: ByteSize },
    /// The answer is of another form.
    #[error("the answer is no JSON Web Key Set")]
    NotAKeySet,
    /// The answer is in the other form that Google publishes.
    #[error(
        "the answer is a map of X.509 certificates, not a JSON Web Key Set; use `{}`",
        HttpKeysConfig::FIREBASE_URL
    )]
    Certificates,
    /// Two keys have the same name.
    #[error("two keys in the answer have the same name")]
    DuplicateKeyId,
    /// No key can be used.
    #[error("no key in the answer can be used")]
    NoUsableKey,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }
}

impl From<BodyError> for FetchError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Failed(error) => error.into(),
            BodyError::TooLong { max } => Self::TooLong { max },
        }
    }
}

impl From<KeySetError> for FetchError {
    /// Drops the source, which may quote the answer.
    fn from(error: KeySetError) -> Self {
        match error {
            KeySetError::NotAKeySet(_) => Self::NotAKeySet,
            KeySetError::Certificates => Self::Certificates,
            KeySetError::DuplicateKeyId { .. } => Self::DuplicateKeyId,
            KeySetError::UnusableKey { .. } | KeySetError::Empty => Self::NoUsableKey,
        }
    }
}

/// Fetches keys over HTTP.
#[derive(Debug)]
pub(super) struct HttpKeyFetch {
    client: Client,
    url: Endpoint,
    answer_max: ByteSize,
}

impl HttpKeyFetch {
    pub(super) fn new(config: &HttpKeysConfig) -> Result<Self, reqwest::Error> {
        let client = client_builder(config.connect_timeout)
            .timeout(config.fetch_timeout)
            // Fetches are minutes apart at least; the other end has closed the connection by then.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self {
            client,
            url: config.url.clone(),
            answer_max: config.answer_max,
        })
    }
}

#[async_trait]
impl KeyFetch for HttpKeyFetch {
    async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
        let response = self.client.get(self.url.as_str()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let fresh_for = fresh_for(response.headers());
        let body = read_body(response, self.answer_max).await?;
        let keys = KeySet::from_jwks(&body)?;
        Ok(FetchedKeys { keys, fresh_for })
    }
}
