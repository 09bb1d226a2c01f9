//! Sends requests to an API: answers are bounded, and errors tell neither the address nor the key.

mod answer;
mod base_url;
mod connection_failure;
mod connector;
mod retry_after;
mod send_state;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::{ByteSize, TraceContext};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};

pub(crate) use answer::Answer;
pub(crate) use send_state::{PreventOnDrop, SendState};

use base_url::BaseUrl;
use connector::Pools;
use send_state::TrackedBody;

use crate::config::{ConfigError, HttpRunnerConfig};
use crate::error::ApiError;

/// The body of a larger error answer is not used.
const ERROR_MAX: ByteSize = ByteSize::from_kib(16);

/// The header of the W3C Trace Context recommendation.
const TRACE_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// A client of one API. `Debug` shows nothing of it.
pub(crate) struct Client {
    pools: Pools,
    base: BaseUrl,
    /// The headers of every request.
    headers: HeaderMap,
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
        let base = BaseUrl::parse(&config.base_url)?;
        let pools = Pools::new(config.connect_timeout, base.is_encrypted());
        let mut headers = base.headers()?;
        let agent = concat!("coderun/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        let key_header = config.api_key_header.parse::<HeaderName>();
        let key_header = key_header.map_err(|_| ConfigError::ApiKeyHeader)?;
        if let Some(key) = &config.api_key {
            headers.insert(key_header, key.header_value().clone());
        }
        Ok(Self {
            pools: pools.map_err(|_| ConfigError::Client)?,
            base,
            headers,
            answer_max: config.answer_max,
        })
    }

    /// Gets what lies at this path below the base. Cancel-safe; the caller bounds the time.
    pub(crate) async fn get(&self, path: &str, answer_max: ByteSize) -> Result<Answer, ApiError> {
        let request = self.request(Method::GET, path, TrackedBody::default())?;
        self.exchange(request, answer_max, None).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: TrackedBody,
    ) -> Result<Request<TrackedBody>, ApiError> {
        let uri = self.base.join(path);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri.map_err(|_| ApiError::Unusable("its address is not valid"))?;
        request.headers_mut().clone_from(&self.headers);
        Ok(request)
    }

    async fn exchange(
        &self,
        request: Request<TrackedBody>,
        answer_max: ByteSize,
        state: Option<&SendState>,
    ) -> Result<Answer, ApiError> {
        let answering = self.pools.of_this_runtime().request(request);
        let response = answering.await.map_err(|error| {
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
        let mut request = client.request(Method::POST, path, self.state.body(body))?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let trace = self.trace.as_ref();
        if let Some(Ok(trace)) = trace.map(|trace| trace.to_string().parse()) {
            headers.insert(TRACE_HEADER, trace);
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

async fn read(response: Response<Incoming>, max: ByteSize) -> Result<Bytes, ApiError> {
    let too_large = ApiError::TooLarge { max };
    let body = response.into_body();
    if body.size_hint().exact() > Some(max.as_bytes()) {
        return Err(too_large);
    }
    let max = usize::try_from(max.as_bytes()).unwrap_or(usize::MAX);
    match Limited::new(body, max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large),
        Err(_) => Err(ApiError::Truncated),
    }
}
