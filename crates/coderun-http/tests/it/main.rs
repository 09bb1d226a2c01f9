//! The HTTP edge from outside: real sockets on port 0, with fakes behind the ports.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it does not expect must fail"
)]

mod authentication;
mod bad_requests;
mod connections;
mod drain;
mod edge;
mod executions;
mod failures;
mod health_only;
mod logs;
mod service;
mod submit;
mod support;
mod websocket;
mod websocket_bounds;
mod websocket_end;
mod websocket_refusals;
