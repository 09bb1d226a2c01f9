//! What this crate counts and measures, for whichever recorder is installed when the server starts.
//!
//! Every label takes one of a bounded number of values: routes are patterns, methods the known ones.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

const REQUESTS: &str = "coderun_http_requests_total";
const REQUEST_DURATION: &str = "coderun_http_request_duration_seconds";
const SOCKETS: &str = "coderun_sockets";
const SOCKETS_CLOSED: &str = "coderun_sockets_closed_total";
const SLOW_WATCHERS: &str = "coderun_slow_watchers_total";

/// Counts what one thread answers. What it has looked up in the recorder once it keeps.
#[derive(Default)]
pub(crate) struct RequestMeter {
    requests: RefCell<HashMap<(&'static str, &'static str, u16), Counter>>,
    durations: RefCell<HashMap<(&'static str, &'static str), Histogram>>,
}

impl RequestMeter {
    /// Takes note of an answer.
    pub(crate) fn note(
        &self,
        method: &Method,
        route: &'static str,
        status: StatusCode,
        duration: Duration,
    ) {
        let method = known(method);
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

/// Anybody can send any method, of any length, but only these are told apart.
pub(crate) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

/// How somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketKind {
    WebSocket,
    EventStream,
    LongPoll,
}

/// A watcher, counted until it is dropped.
pub(crate) struct CountedSocket(Gauge);

impl CountedSocket {
    pub(crate) fn new(kind: SocketKind) -> Self {
        let gauge = match kind {
            SocketKind::WebSocket => gauge!(SOCKETS, "kind" => "websocket"),
            SocketKind::EventStream => gauge!(SOCKETS, "kind" => "sse"),
            SocketKind::LongPoll => gauge!(SOCKETS, "kind" => "long_poll"),
        };
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for CountedSocket {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Takes note of the end of a WebSocket. There are only as many codes as the contract names.
pub(crate) fn socket_closed(code: Option<u16>) {
    let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    counter!(SOCKETS_CLOSED, "code" => code).increment(1);
}

/// Takes note of a watcher who was too slow.
pub(crate) fn slow_watcher() {
    counter!(SLOW_WATCHERS).increment(1);
}
