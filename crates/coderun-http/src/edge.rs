//! What holds for every request, whatever it asks: an id, allowed hosts and origins, safe headers, a readable problem
//! for everything that fails, and one line in the log.

mod access_log;
mod cors;
mod request_id;
mod trace;
mod unread;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse};
use coderun_domain::TraceContext;
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use crate::HttpConfig;
use crate::problem::{self, Problem};
use crate::telemetry::RequestMeter;

pub(crate) use access_log::RoutePattern;
use access_log::{Access, Answered};
use request_id::RequestId;
use unread::HeldPayload;

/// Answers a request through all that holds for every request.
pub(crate) async fn around(
    config: &HttpConfig,
    meter: &RequestMeter,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let call = Call::of(&mut request, config);
    let span = call.span();
    let answer = match call.refusal() {
        Some(Answer::Refused(problem)) => Ok(request.error_response(problem)),
        Some(Answer::Preflight) => {
            Ok(request.into_response(HttpResponse::new(StatusCode::NO_CONTENT)))
        }
        None => {
            let answering = AssertUnwindSafe(next.call(request)).catch_unwind();
            let answered = answering.instrument(span).await;
            answered
                .unwrap_or_else(|_| Err(Problem::bug().with_source("a handler panicked").into()))
        }
    };
    call.finish(answer, meter)
}

/// What the edge keeps of a request while it is answered.
struct Call {
    id: RequestId,
    uri: Uri,
    host_is_allowed: bool,
    origin: cors::Origin,
    trace: Option<TraceContext>,
    access: Access,
    payload: Option<HeldPayload>,
    linger: Duration,
}

/// An answer that needs no handler.
enum Answer {
    Refused(Problem),
    Preflight,
}

impl Call {
    fn of(request: &mut ServiceRequest, config: &HttpConfig) -> Self {
        let payload = HeldPayload::of(request);
        let trace = trace::trace_of(request.headers());
        if let Some(trace) = trace {
            request.extensions_mut().insert(trace);
        }
        let headers = request.headers();
        let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
        Self {
            id: RequestId::of(headers),
            uri: request.uri().clone(),
            origin: cors::Origin::of(request.method(), headers, &config.origins),
            trace,
            access: Access::begin(request.method().clone()),
            host_is_allowed: config.hosts.allows(host),
            payload,
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

    fn refusal(&self) -> Option<Answer> {
        if !self.host_is_allowed {
            let detail = "This server answers to loopback names only";
            let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, detail);
            return Some(Answer::Refused(problem));
        }
        self.origin.is_preflight().then(|| {
            if self.origin.is_allowed() {
                return Answer::Preflight;
            }
            let detail = "Pages of this origin may not call this server";
            Answer::Refused(Problem::new(StatusCode::FORBIDDEN, detail))
        })
    }

    fn finish(
        &self,
        answer: Result<ServiceResponse, actix_web::Error>,
        meter: &RequestMeter,
    ) -> Result<ServiceResponse, actix_web::Error> {
        let id = self.id.as_str();
        match answer {
            Ok(mut response) => {
                if needs_body(&response) {
                    response = problem::render(response, id);
                }
                self.complete(response.headers_mut());
                let route = response.request().app_data::<RoutePattern>().copied();
                self.note(route, response.status(), meter);
                Ok(response.map_body(|_, body| self.hold_payload(body)))
            }
            Err(error) => {
                let described = error.as_error::<Problem>();
                let mut response = match described {
                    Some(problem) => problem::to_response(problem, self.uri.path(), id),
                    None => problem::to_response(&Problem::bug(), self.uri.path(), id),
                };
                self.complete(response.headers_mut());
                self.note(None, response.status(), meter);
                let response = response.map_body(|_, body| self.hold_payload(body));
                Err(InternalError::from_response("answered", response).into())
            }
        }
    }

    fn note(&self, route: Option<RoutePattern>, status: StatusCode, meter: &RequestMeter) {
        let answered = Answered {
            route,
            status,
            request_id: self.id.as_str(),
            trace: self.trace,
        };
        self.access.note(&answered, meter);
    }

    fn hold_payload(&self, body: BoxBody) -> BoxBody {
        match &self.payload {
            Some(payload) => payload.until_sent(body, self.linger),
            None => body,
        }
    }

    /// Adds the headers that every answer has.
    fn complete(&self, headers: &mut HeaderMap) {
        headers.insert(request_id::HEADER, self.id.to_header());
        for (name, value) in ALWAYS {
            headers.insert(name, value);
        }
        self.origin.complete(headers);
    }
}

/// Whether an answer is an error, and not one that its handler has put into words.
fn needs_body(response: &ServiceResponse) -> bool {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let described = response.headers().contains_key(header::CONTENT_TYPE);
    failed && (!described || response.response().error().is_some())
}

/// No sniffing, no caching of what belongs to one user, no token of a URL in a `Referer`.
const ALWAYS: [(HeaderName, HeaderValue); 3] = [
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
