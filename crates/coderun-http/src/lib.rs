//! The HTTP edge of coderun: REST, WebSocket, SSE and problem+json over the use cases of [`coderun_app`].
//!
//! [`serve`] answers on a listener until it is told to drain, and [`serve_health`] does so for a process without an API.
//! This crate owns the wire formats and the statuses; it
//! decides nothing about executions and knows no store, no runner and no identity provider.
//!
//! ```
//! use coderun_http::{AllowedOrigins, HttpConfig};
//!
//! let config = HttpConfig {
//!     origins: AllowedOrigins::List(vec!["https://play.example".to_owned()]),
//!     ..HttpConfig::default()
//! };
//! assert_eq!(config.body_max.as_bytes(), 2 << 20);
//! ```

mod authentication;
mod body;
mod bulk;
mod config;
mod drain;
mod edge;
mod endpoints;
mod failure_log;
mod host;
mod problem;
mod query;
mod routes;
mod server;
mod socket_registry;
mod sse;
mod state;
mod telemetry;
mod watching;
mod websocket;
mod wire;

pub use config::{AllowedHosts, AllowedOrigins, HttpConfig, SocketLimits, Timeouts};
pub use drain::Drain;
pub use server::{serve, serve_health};
pub use state::HttpPorts;
