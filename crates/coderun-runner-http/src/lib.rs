//! Runs programs on third-party HTTP APIs.
//!
//! [`HttpRunner`] implements [`CodeRunner`](coderun_domain::CodeRunner) for every such API. It starts whether or not the
//! API can be reached, and [`check`](coderun_domain::CodeRunner::check) says which:
//!
//! ```no_run
//! use coderun_domain::CodeRunner as _;
//! use coderun_runner_http::{HttpRunner, HttpRunnerConfig, PistonConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = HttpRunnerConfig::new("http://127.0.0.1:2000/api/v2");
//! let runner = HttpRunner::piston(config, PistonConfig::default()).await?;
//! if let Err(error) = runner.check().await {
//!     eprintln!("{error}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What every API needs is written once: bounded answers and deadlines (`client`, `runner::call`), permits, retries, the
//! circuit breaker and the refresh of what the API offers (`runner`), and the list of languages (`catalog`). An API adds an
//! implementation of the trait `api::ThirdPartyApi`, such as `piston`. Errors tell neither the address nor the key of an API.
//! What an API answers is untrusted: it is used only after it was checked.

#![warn(clippy::future_not_send)]

mod api;
mod api_key;
mod catalog;
mod client;
mod config;
mod error;
mod offload;
mod piston;
mod runner;

pub use api_key::{ApiKey, ApiKeyError};
pub use config::{ConfigError, HttpRunnerConfig};
pub use piston::PistonConfig;
pub use runner::HttpRunner;
