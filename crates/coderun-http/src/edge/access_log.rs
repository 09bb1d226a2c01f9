//! One line for every request, and a count: free of everything that is not for the log: no query, no headers, no body.

use std::time::Instant;

use actix_web::http::{Method, StatusCode};
use coderun_domain::TraceContext;

use crate::telemetry::{self, RequestMeter};

/// The pattern of the route that a request came to, such as `/api/v1/executions/status/{id}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePattern(pub(crate) &'static str);

/// How a request was answered.
pub(super) struct Answered<'a> {
    pub(super) route: Option<RoutePattern>,
    pub(super) status: StatusCode,
    pub(super) request_id: &'a str,
    pub(super) trace: Option<TraceContext>,
}

/// A request that is being answered.
pub(super) struct Access {
    method: Method,
    began: Instant,
}

impl Access {
    pub(super) fn begin(method: Method) -> Self {
        Self {
            method,
            began: Instant::now(),
        }
    }

    /// Writes the line and counts. The pattern stands for the path, which anybody can fill with anything.
    pub(super) fn note(&self, answered: &Answered<'_>, meter: &RequestMeter) {
        let duration = self.began.elapsed();
        let RoutePattern(route) = answered.route.unwrap_or(RoutePattern("-"));
        tracing::info!(
            target: "coderun_http::access",
            method = telemetry::known(&self.method),
            route,
            status = answered.status.as_u16(),
            duration_ms = duration.as_secs_f64() * 1_000.0,
            request_id = answered.request_id,
            trace_id = answered.trace.map(|trace| trace.trace_id()),
            "answered"
        );
        meter.note(&self.method, route, answered.status, duration);
    }
}
