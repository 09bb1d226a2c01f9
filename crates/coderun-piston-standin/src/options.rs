//! What may be decided about a stand-in before it starts. The defaults are Piston's.

use std::fmt;
use std::time::Duration;

use coderun_domain::ByteSize;
use coderun_runner_sandbox::SandboxConfig;

use crate::{FixedResult, Runtime};

/// Settings of a stand-in.
#[derive(Debug, Clone)]
pub struct StandinOptions {
    /// The port on 127.0.0.1. Default: 0, any that is free.
    pub port: u16,
    /// What becomes of programs. Default: a fixed answer, and nothing is run.
    pub programs: Programs,
    /// The runtimes that are offered. Default: for a sandbox those it has, by Piston's names; else [`Runtime::stock`].
    pub runtimes: Option<Vec<Runtime>>,
    /// Piston's configured limits.
    pub limits: PistonLimits,
    /// The memory of a stage for which neither Piston's configuration nor the request sets a limit. Default: 1 GiB.
    pub memory_ceiling: ByteSize,
    /// How a program that a signal ended is reported. Default: as Piston's packages do.
    pub signals: SignalReport,
    /// The longest request body that is read. Default: 100 KiB.
    pub body_limit: ByteSize,
    /// How many programs run at a time; the others wait, however many they are. At least 1. Default: 64.
    pub max_concurrent_jobs: usize,
    /// A header without which every request is answered with 401. Default: none.
    pub authorization: Option<RequiredHeader>,
    /// Passes before each answer of `/execute`. Default: 0.
    pub latency: Duration,
}

impl Default for StandinOptions {
    fn default() -> Self {
        Self {
            port: 0,
            programs: Programs::Fixed(FixedResult::default()),
            runtimes: None,
            limits: PistonLimits::default(),
            memory_ceiling: ByteSize::from_mib(1024),
            signals: SignalReport::ExitCode,
            body_limit: ByteSize::from_kib(100),
            max_concurrent_jobs: 64,
            authorization: None,
            latency: Duration::ZERO,
        }
    }
}

/// What becomes of programs.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of them, and boxes would be in the way of who makes it"
)]
#[derive(Debug, Clone)]
pub enum Programs {
    /// They are run in a sandbox. Its slots and the wait for them are replaced by what
    /// [`StandinOptions::max_concurrent_jobs`] says.
    Sandboxed(SandboxConfig),
    /// None is run: each gets this answer.
    Fixed(FixedResult),
}

/// The limits that Piston's operator configures. A request that asks for more is refused, not served with less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PistonLimits {
    /// Time on the clock of the compile stage, in whole milliseconds. Default: 10 s.
    pub compile_timeout: Duration,
    /// Time on the clock of the run stage, in whole milliseconds. Default: 3 s.
    pub run_timeout: Duration,
    /// CPU time of the compile stage, in whole milliseconds. Default: 10 s.
    pub compile_cpu_time: Duration,
    /// CPU time of the run stage, in whole milliseconds. Default: 3 s.
    pub run_cpu_time: Duration,
    /// Memory of the compile stage; `None`, Piston's -1, leaves it to the request. Default: `None`.
    pub compile_memory_limit: Option<ByteSize>,
    /// Memory of the run stage; `None`, Piston's -1, leaves it to the request. Default: `None`.
    pub run_memory_limit: Option<ByteSize>,
    /// How much of each of stdout and stderr is taken: text in UTF-16 units and the new piece in bytes, together.
    /// Default: 1 024.
    pub output_max_size: ByteSize,
    /// Processes at one time. Default: 64.
    pub max_process_count: u32,
    /// Open files of one process. Default: 2 048.
    pub max_open_files: u32,
    /// The size of any one file. Default: 10 000 000 bytes.
    pub max_file_size: ByteSize,
}

impl Default for PistonLimits {
    fn default() -> Self {
        Self {
            compile_timeout: Duration::from_secs(10),
            run_timeout: Duration::from_secs(3),
            compile_cpu_time: Duration::from_secs(10),
            run_cpu_time: Duration::from_secs(3),
            compile_memory_limit: None,
            run_memory_limit: None,
            output_max_size: ByteSize::from_bytes(1024),
            max_process_count: 64,
            max_open_files: 2048,
            max_file_size: ByteSize::from_bytes(10_000_000),
        }
    }
}

/// How a program that a signal ended is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalReport {
    /// As the exit code 128 + signal, status `RE`, no signal, and a line of the shell on stderr: each of Piston's own
    /// packages starts its program from a shell script that outlives it.
    ExitCode,
    /// As signal and status `SG`, without an exit code: for packages that replace the shell by the program.
    Signal,
}

/// A header that every request must have. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct RequiredHeader {
    /// Its name, in any case.
    pub name: String,
    /// Its whole value.
    pub value: String,
}

impl fmt::Debug for RequiredHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequiredHeader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
