//! Sends requests to an API: answers are bounded, and errors tell neither the address nor the key.

mod answer;
mod connection_failure;
mod retry_after;
mod send_state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::{ByteSize, TraceContext};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Body, RequestBuilder, Response, StatusCode, Url, redirect, retry};

pub(crate) use answer::Answer;
pub(crate) use send_state::{PreventOnDrop, SendState};

use crate::config::{ConfigError, HttpRunnerConfig};
use crate::error::ApiError;

/// Idle connections are closed before the server closes them: common servers wait 5 s, and a request on a connection that
/// is closed at that moment may have been received or not.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// The body of a larger error answer is not used.
const ERROR_MAX: ByteSize = ByteSize::from_kib(16);

/// The header of the W3C Trace Context recommendation.
const TRACE_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// A client of one API. `Debug` shows nothing of it.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<(HeaderName, HeaderValue)>,
    answer_max: ByteSize,
}

/// The requests for one program. They belong to its trace, and are prevented together.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) client: Arc<Client>,
    pub(crate) state: SendState,
    pub(crate) trace: Option<TraceContext>,
}

impl Client {
    /// Makes no connection yet.
    pub(crate) fn new(config: &HttpRunnerConfig) -> Result<Self, ConfigError> {
        let base = base_url(&config.base_url)?;
        let header = config.api_key_header.parse::<HeaderName>();
        let header = header.map_err(|_| ConfigError::ApiKeyHeader)?;
        let key = config.api_key.as_ref();
        let key = key.map(|key| (header, key.header_value().clone()));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("coderun/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(IDLE_MAX)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only();
        if base.scheme() == "http" {
            // Without this the certificate authorities of the machine are read, which may be missing.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            http: builder.build().map_err(|_| ConfigError::Client)?,
            base,
            key,
            answer_max: config.answer_max,
        })
    }

    /// Gets what lies at this path below the base. Cancel-safe; the caller bounds the time.
    pub(crate) async fn get(&self, path: &str, answer_max: ByteSize) -> Result<Answer, ApiError> {
        self.exchange(self.http.get(self.url(path)), answer_max, None)
            .await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        url
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        answer_max: ByteSize,
        state: Option<&SendState>,
    ) -> Result<Answer, ApiError> {
        let request = match &self.key {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let response = request.send().await.map_err(|error| {
            let reason = connection_failure::describe(&error);
            // The request may have been received if any of its body was sent, or if it has none.
            if state.map_or(!error.is_connect(), SendState::has_begun) {
                ApiError::Lost(reason)
            } else {
                ApiError::NotConnected(reason)
            }
        })?;
        let status = response.status();
        let retry_after = retry_after::read(response.headers());
        let body = if status == StatusCode::OK {
            read(response, answer_max).await?
        } else {
            // An error answer is of use even without its body.
            read(response, ERROR_MAX).await.unwrap_or_default()
        };
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

impl Call {
    /// Posts JSON to this path below the base, once. The caller bounds the time.
    pub(crate) async fn post_json(&self, path: &str, body: Bytes) -> Result<Answer, ApiError> {
        let client = &self.client;
        let mut request = client
            .http
            .post(client.url(path))
            .header(CONTENT_TYPE, "application/json")
            .body(self.state.body(body));
        if let Some(trace) = &self.trace {
            request = request.header(TRACE_HEADER, trace.to_string());
        }
        client
            .exchange(request, client.answer_max, Some(&self.state))
            .await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

async fn read(response: Response, max: ByteSize) -> Result<Bytes, ApiError> {
    let too_large = ApiError::TooLarge { max };
    if response.content_length() > Some(max.as_bytes()) {
        return Err(too_large);
    }
    let max = usize::try_from(max.as_bytes()).unwrap_or(usize::MAX);
    match Limited::new(Body::from(response), max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large),
        Err(_) => Err(ApiError::Truncated),
    }
}

fn base_url(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| ConfigError::BaseUrl)?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::BaseUrl);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://h:2000/api/v2", "http://h:2000/api/v2/execute")]
    #[case("http://h:2000/api/v2/", "http://h:2000/api/v2/execute")]
    #[case("https://h", "https://h/execute")]
    fn the_path_of_the_base_is_kept(#[case] base: &str, #[case] expected: &str) {
        let client = Client::new(&HttpRunnerConfig::new(base)).unwrap();
        assert_eq!(client.url("execute").as_str(), expected);
    }

    #[rstest]
    #[case("")]
    #[case("h:2000")]
    #[case("/api")]
    #[case("ftp://h/")]
    #[case("unix:/x")]
    #[case("http://h/?key=x")]
    #[case("http://h/#x")]
    fn an_address_that_is_not_usable_is_refused(#[case] base: &str) {
        assert!(matches!(
            Client::new(&HttpRunnerConfig::new(base)),
            Err(ConfigError::BaseUrl)
        ));
    }
}
