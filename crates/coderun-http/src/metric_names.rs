//! Names the metrics that this crate records.

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
