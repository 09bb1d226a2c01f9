//! Serves the use cases of [`coderun_app`] over HTTP: REST, WebSocket, server-sent events and problem+json.
//!
//! [`serve`] answers on a listener until it is told to drain, and [`serve_health`] does so for a process without an API. This
//! crate owns the wire formats and the statuses. It decides nothing about executions and knows no store, runner or identity
//! provider.
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

mod accept;
mod authentication;
mod body;
mod client_stream;
mod config;
mod connections;
mod drain;
mod edge;
mod endpoints;
mod exhausted_quota;
mod failure_log;
mod handover;
mod headers;
mod host;
mod large_answers;
mod memory_budget;
pub mod metrics;
mod page;
mod preferences;
mod problem;
mod query;
mod rate_limit;
mod routes;
mod server;
mod sign_in;
mod socket_registry;
mod specification;
mod spent_rates;
mod sse;
mod state;
mod watching;
mod websocket;
mod wire;

pub use config::{AllowedHosts, AllowedOrigins, HttpConfig, SocketLimits, Timeouts};
pub use drain::Drain;
pub use page::{FileContent, PageFile};
pub use server::{serve, serve_health};
pub use sign_in::{DevelopmentToken, DevelopmentTokens, SignIn};
pub use specification::{ASYNCAPI, OPENAPI};
pub use state::HttpPorts;
