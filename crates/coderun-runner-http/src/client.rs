//! The one way to speak with an API: every wait and every answer is bounded, and no error tells the address or the key.

mod fault;
mod retry_after;
mod sending;

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use coderun_domain::{ByteSize, TraceContext};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, Url, redirect, retry};

pub(crate) use fault::Fault;
pub(crate) use sending::Sending;

use crate::config::{ApiKey, ConfigError, header_name};

/// Connections that nobody uses are closed before the server does so: common servers wait 5 s, and a request on a
/// connection that is closed at that moment may have been received or not.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// As much is read of an answer that is an error.
const ERROR_MAX: ByteSize = ByteSize::from_kib(16);

/// How the W3C Trace Context recommendation names it.
const TRACE_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// How to reach an API.
#[derive(Clone, Copy)]
pub(crate) struct ClientConfig<'a> {
    /// Its base address, with its path.
    pub(crate) base_url: &'a str,
    /// What it knows us by.
    pub(crate) api_key: Option<&'a ApiKey>,
    /// The header for the key.
    pub(crate) api_key_header: &'a str,
    /// How long making a connection may take.
    pub(crate) connect_timeout: Duration,
    /// The largest answer.
    pub(crate) answer_max: ByteSize,
}

/// A client of one API. `Debug` shows nothing of it.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<(HeaderName, HeaderValue)>,
    answer_max: ByteSize,
}

/// What is handed in.
pub(crate) struct Posted {
    /// JSON.
    pub(crate) body: Bytes,
    /// The trace that goes on behind the API.
    pub(crate) trace: Option<TraceContext>,
}

impl From<Bytes> for Posted {
    /// Part of no trace.
    fn from(body: Bytes) -> Self {
        Self { body, trace: None }
    }
}

/// What an API answered, whatever the status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// When to ask again, if it said so.
    pub(crate) retry_after: Option<Duration>,
    /// All of a good answer, the head of any other.
    pub(crate) body: Bytes,
}

impl Client {
    /// Makes no connection yet.
    pub(crate) fn new(config: ClientConfig<'_>) -> Result<Self, ConfigError> {
        let base = base_url(config.base_url)?;
        let name = header_name(config.api_key_header)?;
        let key = config.api_key.map(|key| (name, key.header_value().clone()));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("coderun/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(IDLE_MAX)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .http1_only();
        if base.scheme() == "http" {
            // Without this the machine's certificate authorities are read, which may be missing.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            http: builder.build().map_err(|_| ConfigError::Client)?,
            base,
            key,
            answer_max: config.answer_max,
        })
    }

    /// Asks for what lies at this path below the base. Cancel-safe.
    pub(crate) async fn get(&self, path: &str, patience: Duration) -> Result<Answer, Fault> {
        let request = self.http.get(self.url(path));
        let exchange = self.exchange(request, None);
        tokio::time::timeout(patience, exchange)
            .await
            .unwrap_or(Err(Fault::NoAnswer))
    }

    /// Hands in JSON. `sending` tells whether any of it was sent, and can prevent that. How long to wait is the caller's
    /// to say.
    pub(crate) async fn post_json(
        &self,
        path: &str,
        posted: Posted,
        sending: &Sending,
    ) -> Result<Answer, Fault> {
        let request = self
            .http
            .post(self.url(path))
            .header(CONTENT_TYPE, "application/json")
            .body(sending.body(posted.body));
        let request = match posted.trace {
            Some(trace) => request.header(TRACE_HEADER, trace.to_string()),
            None => request,
        };
        self.exchange(request, Some(sending)).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(path);
        }
        url
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        sending: Option<&Sending>,
    ) -> Result<Answer, Fault> {
        let request = match &self.key {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let response = request.send().await;
        let response = response.map_err(|error| Fault::of(&error, sending))?;
        let status = response.status();
        let retry_after = retry_after::read(response.headers());
        let body = if status == StatusCode::OK {
            let answer_max = self.answer_max;
            check_length(response.headers(), answer_max)?;
            let (body, rest) = read(response, answer_max).await?;
            match rest {
                Rest::None => body,
                Rest::More => return Err(Fault::TooLarge { max: answer_max }),
            }
        } else {
            // What an error says is of use only if all is well.
            read(response, ERROR_MAX)
                .await
                .map_or_else(|_| Bytes::new(), |(head, _)| head)
        };
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Whether there was more than was read.
enum Rest {
    None,
    More,
}

async fn read(mut response: Response, max: ByteSize) -> Result<(Bytes, Rest), Fault> {
    let max = usize::try_from(max.as_bytes()).unwrap_or(usize::MAX);
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Fault::Truncated)? {
        let room = max.saturating_sub(body.len());
        if let Some(head) = chunk.get(..room)
            && head.len() < chunk.len()
        {
            body.extend_from_slice(head);
            return Ok((body.freeze(), Rest::More));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body.freeze(), Rest::None))
}

fn check_length(headers: &HeaderMap, max: ByteSize) -> Result<(), Fault> {
    let told = headers.get(reqwest::header::CONTENT_LENGTH);
    let told: Option<u64> = told.and_then(|value| value.to_str().ok()?.parse().ok());
    if told.is_some_and(|told| told > max.as_bytes()) {
        return Err(Fault::TooLarge { max });
    }
    Ok(())
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

    fn config(base_url: &str) -> ClientConfig<'_> {
        ClientConfig {
            base_url,
            api_key: None,
            api_key_header: "authorization",
            connect_timeout: Duration::from_secs(1),
            answer_max: ByteSize::from_kib(1),
        }
    }

    #[rstest]
    #[case("http://h:2000/api/v2", "http://h:2000/api/v2/execute")]
    #[case("http://h:2000/api/v2/", "http://h:2000/api/v2/execute")]
    #[case("https://h", "https://h/execute")]
    fn the_path_of_the_base_is_kept(#[case] base: &str, #[case] expected: &str) {
        let client = Client::new(config(base)).unwrap();
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
    fn what_is_no_address_is_refused(#[case] base: &str) {
        assert!(matches!(
            Client::new(config(base)),
            Err(ConfigError::BaseUrl)
        ));
    }
}
