//! Tests the HTTP edge from outside: real sockets on port 0, with fakes behind the ports.

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
mod deleting;
mod development_token;
mod drain;
mod edge;
mod events;
mod events_end;
mod executions;
mod failures;
mod feeds;
mod health_only;
mod large_answers;
mod logs;
mod metrics;
mod one_request;
mod page;
mod quotas;
mod service;
mod slow_bodies;
mod specification;
mod submit;
mod support;
mod tickets;
mod transcript;
mod waiting;
mod watchers;
mod websocket;
mod websocket_auth;
mod websocket_bounds;
mod websocket_end;
mod websocket_framing;
mod websocket_input;
mod websocket_queue;
mod websocket_refusals;
mod websocket_slow;
