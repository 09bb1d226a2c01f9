//! Fetches a set of keys, once.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::config::HttpKeysConfig;
use super::freshness::fresh_for;
use crate::config::Endpoint;
use crate::http_client::{HttpClient, HttpError, builder};
use crate::keys::{KeySet, KeySetError};
use crate::start_error::StartError;

/// Fetches a set of keys.
///
/// Apart from the cache, so that its tests can let days pass without a network that would wait for them.
#[async_trait]
pub(super) trait KeyFetch: fmt::Debug + Send + Sync + 'static {
    /// Makes one attempt. It ends within the fetch timeout.
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
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The answer is of another form.
    #[error("the answer cannot be used")]
    Answer(#[from] KeySetError),
}

/// Fetches keys over HTTP.
#[derive(Debug)]
pub(super) struct HttpKeyFetch {
    client: HttpClient,
    url: Endpoint,
}

impl HttpKeyFetch {
    pub(super) fn new(config: &HttpKeysConfig) -> Result<Self, StartError> {
        let builder = builder(config.connect_timeout)
            .timeout(config.fetch_timeout)
            // Fetches are minutes apart at least; the other end has closed the connection by then.
            .pool_max_idle_per_host(0);
        Ok(Self {
            client: HttpClient::new(builder, config.answer_max)?,
            url: config.url.clone(),
        })
    }
}

#[async_trait]
impl KeyFetch for HttpKeyFetch {
    async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
        let (headers, body) = self.client.get(self.url.url().clone()).await?;
        Ok(FetchedKeys {
            keys: KeySet::from_jwks(&body)?,
            fresh_for: fresh_for(&headers),
        })
    }
}
