//! Records the metrics of this crate, with the recorder that is installed when the server starts.
//!
//! Every label has a bounded number of values: routes are patterns, methods are the known ones.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use coderun_domain::{Principal, VerifyError};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// Answered requests, by `method`, `route` and `status`.
pub const REQUESTS: &str = "coderun_http_requests_total";
/// The time from the head of a request to the head of its response, by `method` and `route`.
pub const REQUEST_DURATION: &str = "coderun_http_request_duration_seconds";
/// Open watchers, by `kind`.
pub const SOCKETS: &str = "coderun_sockets";
/// Closed sockets, by `code`.
pub const SOCKETS_CLOSED: &str = "coderun_sockets_closed_total";
/// Watchers that were closed because they read too slowly.
pub const SLOW_WATCHERS: &str = "coderun_slow_watchers_total";
/// Verified tokens, by `result`.
pub const TOKEN_VERIFICATIONS: &str = "coderun_token_verifications_total";

/// Records the requests of one thread. Handles from the recorder are looked up once.
#[derive(Default)]
pub(crate) struct RequestMeter {
    requests: RefCell<HashMap<(&'static str, &'static str, u16), Counter>>,
    durations: RefCell<HashMap<(&'static str, &'static str), Histogram>>,
}

impl RequestMeter {
    /// Records an answered request.
    pub(crate) fn record(
        &self,
        method: &Method,
        route: &'static str,
        status: StatusCode,
        duration: Duration,
    ) {
        let method = method_label(method);
        self.requests
            .borrow_mut()
            .entry((method, route, status.as_u16()))
            .or_insert_with(|| {
                let status = status.as_str().to_owned();
                counter!(REQUESTS, "method" => method, "route" => route, "status" => status)
            })
            .increment(1);
        self.durations
            .borrow_mut()
            .entry((method, route))
            .or_insert_with(|| histogram!(REQUEST_DURATION, "method" => method, "route" => route))
            .record(duration);
    }
}

/// The label of a method. A client can send any method, so all but the known ones share a label.
pub(crate) fn method_label(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or("other")
}

/// Counts a verified token by its result: `accepted`, or the reason of the refusal.
pub(crate) fn record_verification(verified: &Result<Principal, VerifyError>) {
    let result = verified
        .as_ref()
        .map_or_else(VerifyError::reason, |_| "accepted");
    counter!(TOKEN_VERIFICATIONS, "result" => result).increment(1);
}

/// The kinds of watchers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketKind {
    WebSocket,
    EventStream,
    LongPoll,
    LargeAnswer,
}

/// A watcher, counted until it is dropped.
pub(crate) struct CountedSocket(Gauge);

impl CountedSocket {
    pub(crate) fn new(kind: SocketKind) -> Self {
        let kind = match kind {
            SocketKind::WebSocket => "websocket",
            SocketKind::EventStream => "sse",
            SocketKind::LongPoll => "long_poll",
            SocketKind::LargeAnswer => "large_answer",
        };
        let gauge = gauge!(SOCKETS, "kind" => kind);
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for CountedSocket {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Counts a closed WebSocket. Only the close codes of the contract occur.
pub(crate) fn record_closed_socket(code: Option<u16>) {
    let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    counter!(SOCKETS_CLOSED, "code" => code).increment(1);
}

/// Counts a watcher that was closed because it read too slowly.
pub(crate) fn record_slow_watcher() {
    counter!(SLOW_WATCHERS).increment(1);
}
