//! Speaks version 2 of Piston's API on loopback, for tests, benchmarks and development.
//!
//! Piston itself needs Docker. The stand-in gives every program a fixed result, or runs it in the sandbox of coderun. A
//! script replaces answers by others: errors, resets, slow or endless answers, and any bytes at all. It records what it
//! was sent.
//!
//! # Like Piston
//! Routes, shapes of answers, limits that refuse instead of clamp, the limit on the body, the cap on output that drops the
//! piece that does not fit and kills the program, text decoded piece by piece, a copy of a failed `compile` as `run`, a
//! line feed after stdin, a signal as the exit code of the shell, memory in units of 1000 bytes for each KiB, a client
//! that leaves and stops nothing.
//!
//! # Unlike Piston
//! No `/connect` and no `/packages`; only the messages about limits, runtimes and the size of the body are Piston's own;
//! a version is exact or `*`; memory is limited to [`PistonLimits::run_memory_limit_bytes`] also where the request names no
//! limit; the code is stored under the sandbox's own file name.
//!
//! # Example
//! ```
//! use coderun_piston_standin::{PistonStandin, Reply, StandinOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let piston = PistonStandin::start(StandinOptions::default()).await?;
//! assert!(piston.url().starts_with("http://127.0.0.1:"));
//! piston.script([Reply::reset(), Reply::status(503)]);
//! assert!(piston.programs().is_empty());
//! # Ok(())
//! # }
//! ```

mod behavior;
mod capture;
mod connection;
mod options;
mod program;
mod reply;
mod runtime;
mod sandbox;
mod service;
mod stage;
mod standin;

pub use behavior::{Behavior, UnknownBehavior};
pub use connection::Request;
pub use options::{PistonLimits, StandinOptions};
pub use reply::Reply;
pub use runtime::Runtime;
pub use standin::PistonStandin;
