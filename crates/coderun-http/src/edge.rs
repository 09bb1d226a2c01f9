//! Wraps every request: request id, allowed hosts and origins, safe headers, readable problems and one log line.

mod cors;
mod held_payload;
mod request_end;
mod request_id;
mod trailing_slash;

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse};
use coderun_domain::TraceContext;
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use crate::HttpConfig;
use crate::connections::RequestState;
use crate::headers::{single, text};
use crate::metrics::{RequestMeter, method_label};
use crate::problem::{self, Problem};
use crate::routes::RoutePattern;

use held_payload::HeldPayload;
use request_end::until_complete;
use request_id::RequestId;

/// Answers one request, around its handler.
pub(crate) async fn around(
    config: &HttpConfig,
    meter: &RequestMeter,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let call = RequestContext::of(&mut request, config);
    let span = call.span();
    let answer = match call.early_answer() {
        Some(Ok(response)) => Ok(request.into_response(response)),
        Some(Err(problem)) => Ok(request.error_response(problem)),
        None => {
            trailing_slash::remove(&mut request);
            let answering = AssertUnwindSafe(next.call(request)).catch_unwind();
            let answered = answering.instrument(span).await;
            answered
                .unwrap_or_else(|_| Err(Problem::bug().with_source("a handler panicked").into()))
        }
    };
    call.finish(answer, meter)
}

/// The data of a request that the edge keeps while the handler runs.
struct RequestContext {
    id: RequestId,
    method: Method,
    uri: Uri,
    began: Instant,
    host_is_allowed: bool,
    page: Option<cors::PageOrigin>,
    trace: Option<TraceContext>,
    payload: Option<HeldPayload>,
    connection: Option<Rc<RequestState>>,
    linger: Duration,
}

impl RequestContext {
    fn of(request: &mut ServiceRequest, config: &HttpConfig) -> Self {
        let payload = HeldPayload::of(request);
        let trace = trace_of(request.headers());
        if let Some(trace) = trace {
            request.extensions_mut().insert(trace);
        }
        let connection = request.conn_data::<Rc<RequestState>>().cloned();
        if let Some(connection) = &connection {
            connection.begin(payload.is_some());
        }
        let headers = request.headers();
        Self {
            id: RequestId::of(headers),
            method: request.method().clone(),
            uri: request.uri().clone(),
            began: Instant::now(),
            page: cors::PageOrigin::of(request, &config.origins),
            trace,
            host_is_allowed: config.hosts.allows(text(headers, header::HOST)),
            payload,
            connection,
            linger: config.timeouts.linger,
        }
    }

    fn span(&self) -> Span {
        tracing::info_span!(
            "request",
            request_id = self.id.as_str(),
            trace_id = self.trace.map(|trace| trace.trace_id()),
            traceparent = self.trace.map(tracing::field::display),
        )
    }

    /// The answer to a request that needs no handler: one to a foreign host, or a preflight.
    fn early_answer(&self) -> Option<Result<HttpResponse, Problem>> {
        if !self.host_is_allowed {
            let detail = "This server answers only requests whose Host is a loopback name";
            let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, detail);
            return Some(Err(problem));
        }
        let page = self.page.as_ref().filter(|page| page.is_preflight)?;
        if page.is_allowed {
            return Some(Ok(HttpResponse::new(StatusCode::NO_CONTENT)));
        }
        let detail = "Pages of this origin may not call this server";
        Some(Err(Problem::new(StatusCode::FORBIDDEN, detail)))
    }

    fn finish(
        &self,
        answer: Result<ServiceResponse, actix_web::Error>,
        meter: &RequestMeter,
    ) -> Result<ServiceResponse, actix_web::Error> {
        let id = self.id.as_str();
        match answer {
            Ok(mut response) => {
                if needs_problem_body(&response) {
                    response = problem::rewrite_as_problem(response, id);
                }
                self.add_headers(response.headers_mut());
                let route = response.request().app_data::<RoutePattern>().copied();
                self.record(route, response.status(), meter);
                Ok(response.map_body(|_, body| self.hold(body)))
            }
            Err(error) => {
                let bug = Problem::bug();
                let problem = error.as_error::<Problem>().unwrap_or(&bug);
                let mut response = problem::build_response(problem, self.uri.path(), id);
                self.add_headers(response.headers_mut());
                self.record(None, response.status(), meter);
                let response = response.map_body(|_, body| self.hold(body));
                Err(InternalError::from_response("answered", response).into())
            }
        }
    }

    /// Logs and counts the request by its route pattern, because a client can put any text into the path. Query, headers and
    /// body are left out, because they may hold secrets.
    fn record(&self, route: Option<RoutePattern>, status: StatusCode, meter: &RequestMeter) {
        let duration = self.began.elapsed();
        let RoutePattern(route) = route.unwrap_or(RoutePattern("-"));
        tracing::info!(
            target: "coderun_http::access",
            method = method_label(&self.method),
            route,
            status = status.as_u16(),
            duration_ms = duration.as_secs_f64() * 1_000.0,
            request_id = self.id.as_str(),
            trace_id = self.trace.map(|trace| trace.trace_id()),
            "answered"
        );
        meter.record(&self.method, route, status, duration);
    }

    /// A body that holds the rest of the request's, and ends the request when it is complete.
    fn hold(&self, body: BoxBody) -> BoxBody {
        let body = match &self.payload {
            Some(payload) => payload.until_sent(body, self.linger),
            None => body,
        };
        match &self.connection {
            Some(connection) => until_complete(body, connection),
            None => body,
        }
    }

    /// Adds the headers of every response.
    fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(request_id::HEADER, self.id.to_header());
        for (name, value) in SAFETY_HEADERS {
            // What a handler decides stands.
            if !headers.contains_key(&name) {
                headers.insert(name, value);
            }
        }
        if let Some(page) = &self.page {
            page.add_headers(headers);
        }
    }
}

/// The trace of a request (W3C Trace Context). A malformed or repeated header is ignored, as the recommendation asks.
fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let value = single(headers, "traceparent").ok().flatten()?;
    value.to_str().ok()?.parse().ok()
}

/// Whether a response is an error without a body of its handler.
fn needs_problem_body(response: &ServiceResponse) -> bool {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let described = response.headers().contains_key(header::CONTENT_TYPE);
    failed && (!described || response.response().error().is_some())
}

/// No sniffing, no caching of one user's data, no token of a URL in a `Referer`.
const SAFETY_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
];
