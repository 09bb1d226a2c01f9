//! Answers requests to the admin address.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::metrics::{Metrics, Probes};

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The pages of the admin address.
#[derive(Debug)]
pub(super) struct Pages {
    metrics: Metrics,
    probes: Probes,
}

impl Pages {
    pub(super) const fn new(metrics: Metrics, probes: Probes) -> Self {
        Self { metrics, probes }
    }

    /// Never fails; the server requires the type.
    pub(super) async fn answer(
        &self,
        request: &Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let may_read = matches!(*request.method(), Method::GET | Method::HEAD);
        Ok(match request.uri().path() {
            "/metrics" | "/health/" | "/health" if !may_read => {
                page(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n")
            }
            "/metrics" => self.metrics().await,
            "/health/" | "/health" => page(StatusCode::OK, JSON, r#"{"status":"healthy"}"#),
            _ => page(StatusCode::NOT_FOUND, PLAIN, "only /metrics and /health/\n"),
        })
    }

    async fn metrics(&self) -> Response<Full<Bytes>> {
        self.probes.update().await;
        let metrics = self.metrics.clone();
        match tokio::task::spawn_blocking(move || metrics.render()).await {
            Ok(text) => page(StatusCode::OK, TEXT_FORMAT, text),
            Err(_) => page(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "no metrics\n"),
        }
    }
}

fn page(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
