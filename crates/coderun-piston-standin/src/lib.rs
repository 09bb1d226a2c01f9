//! A stand-in for Piston: speaks version 2 of its protocol, traps included, and really runs programs.
//!
//! Piston itself needs Docker. Tests, benchmarks and whoever develops against coderun need something that answers as
//! Piston does, misbehaves when told to, and counts what it was asked. It listens on loopback only.
//!
//! # What is as in Piston
//! Piston 3.1.1, read from its sources: routes, messages and the order of the checks; the shapes of answers; limits that
//! refuse rather than clamp; 0 as "no limit at all"; the body limit; the caps on output, where a piece that does not fit
//! is dropped whole; the copy of `compile` as `run`; decoding piece by piece; the newline after stdin, and its loss beyond
//! what a socket holds; the shell between Isolate and the program, which turns a signal into an exit code (see
//! [`SignalReport`]); GCC's package, which makes a source of every text file; as many jobs at a time as Piston has boxes,
//! with an endless queue; a client that goes away stops nothing; connections that are closed after 5 s without a request.
//!
//! # What is not
//! - No `/connect`, no installing or removing of packages, no limits by language, no answers to `OPTIONS`, no compressed
//!   requests, no `ETag`.
//! - Programs run in coderun's own sandbox with the toolchains of this machine: system calls that are forbidden there are
//!   allowed by Isolate, and the network never is there. Versions are those of this machine.
//! - The first file is run under the sandbox's own name for it, such as `main.py`, whatever its name was.
//! - Where Piston sets no limit on memory, a program gets [`StandinOptions::memory_ceiling`]; where it sets none on time,
//!   an hour.
//! - The compiler's output is capped line by line, and what the compiler would have gone on to do is not lost.
//! - Stacks of errors name no lines of Piston's own.
//!
//! # Example
//! ```
//! use coderun_piston_standin::{Endpoint, Fault, PistonStandin, StandinOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! // Answers every program with the same result and runs none.
//! let piston = PistonStandin::start(StandinOptions::default()).await?;
//! assert!(piston.url().starts_with("http://127.0.0.1:"));
//! piston.fail_next(Endpoint::Execute, [Fault::Reset, Fault::InternalServerError]);
//! assert_eq!(piston.executions_begun(), 0);
//! # Ok(())
//! # }
//! ```

mod answer;
mod counters;
mod execution;
mod fault;
mod fault_names;
mod fault_script;
mod job;
mod options;
mod runtime;
mod server;
mod stage;
mod standin;
mod version_range;

pub use fault::{Fault, RetryAfter, Turn};
pub use fault_names::UnknownFault;
pub use fault_script::Endpoint;
pub use options::{PistonLimits, Programs, RequiredHeader, SignalReport, StandinOptions};
pub use runtime::Runtime;
pub use semver::Version;
pub use stage::{FixedResult, StageResult};
pub use standin::PistonStandin;
