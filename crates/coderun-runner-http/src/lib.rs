//! Runners behind third-party HTTP APIs.
//!
//! [`PistonRunner`] implements [`CodeRunner`](coderun_domain::CodeRunner) on a [Piston](https://github.com/engineer-man/piston)
//! server. A runner is started whether or not its API can be reached, and says how that is when it is asked:
//!
//! ```no_run
//! use coderun_domain::CodeRunner as _;
//! use coderun_runner_http::{PistonConfig, PistonRunner};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let runner = PistonRunner::start(PistonConfig::new("http://127.0.0.1:2000/api/v2")).await?;
//! if let Err(error) = runner.check().await {
//!     eprintln!("{error}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What all of them share is the client: bounded answers, no redirects, no proxies from the environment, no retries of its
//! own, and errors that tell neither the address nor the key. What comes from an API is believed only after it was
//! checked, because it may be anybody's.

#![warn(clippy::future_not_send)]

mod client;
mod config;
mod languages;
mod piston;

pub use config::{ApiKey, ApiKeyError, ConfigError};
pub use piston::{PistonConfig, PistonRunner};
