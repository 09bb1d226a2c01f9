//! Runs untrusted programs with the toolchains of the machine, each in namespaces of its own: the built-in sandbox.
//!
//! [`SandboxRunner`] implements [`CodeRunner`](coderun_domain::CodeRunner). It talks to a *launcher*: the same program,
//! started again as a tiny process with one thread, which alone creates sandboxes. So the `main` of any program that
//! uses this crate begins with [`launcher_main`]:
//!
//! ```no_run
//! use coderun_runner_sandbox::{SandboxConfig, SandboxRunner, launcher_main};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     launcher_main();
//!     let runtime = tokio::runtime::Runtime::new()?;
//!     let _runner = runtime.block_on(SandboxRunner::start(SandboxConfig::default()))?;
//!     Ok(())
//! }
//! ```
//!
//! Each stage of a run (compiling, running) gets fresh namespaces for users, mounts, processes, network, interprocess
//! communication, host name and control groups; a root of its own that is read-only but for `/box`, `/tmp` and
//! `/dev/shm`; no capabilities; landlock; a list of forbidden system calls; and control groups of its own. Every report
//! lists the controls in force. No program is ever run without isolation.

mod cgroup;
mod config;
mod file_identity;
mod jail;
mod launcher_process;
mod line_buffering;
mod memory_budget;
mod process_stat;
mod process_tree;
mod process_watch;
mod processors;
mod protocol;
mod runner;
mod slots;
mod stdin_readers;
mod toolchain;
mod user_ids;

use std::path::PathBuf;

pub use config::{Control, ControlGroups, LanguageChecks, SandboxConfig};
pub use runner::{MEMORY_WAIT, SandboxRunner, StartError};

/// Runs the launcher if this process was started as one, and then never returns; else returns at once.
///
/// Call it first in `main`, before any thread is started.
#[expect(
    clippy::exit,
    clippy::print_stderr,
    reason = "the launcher is a program of its own: there is nothing to return to and no log"
)]
pub fn launcher_main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments
        .next()
        .is_none_or(|first| first != protocol::LAUNCHER_ARGUMENT)
    {
        return;
    }
    let processors = arguments.next().and_then(|it| it.to_str()?.parse().ok());
    let toolchains: Vec<_> = arguments.map(PathBuf::from).collect();
    match jail::run_launcher(processors.unwrap_or(1), &toolchains) {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("the sandbox launcher failed: {error}");
            std::process::exit(1);
        }
    }
}
