//! One line for every request, free of everything that is not for the log: no query, no headers, no body.

use std::time::Instant;

use actix_web::http::{Method, StatusCode};

/// The pattern of the route that a request came to, such as `/api/v1/executions/status/{id}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePattern(pub(crate) &'static str);

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

    /// Writes the line. The pattern stands for the path, which anybody can fill with anything.
    pub(super) fn log(&self, route: Option<RoutePattern>, status: StatusCode, request_id: &str) {
        let RoutePattern(route) = route.unwrap_or(RoutePattern("-"));
        tracing::info!(
            target: "coderun_http::access",
            method = self.method.as_str(),
            route,
            status = status.as_u16(),
            duration_ms = self.began.elapsed().as_secs_f64() * 1_000.0,
            request_id,
            "answered"
        );
    }
}
