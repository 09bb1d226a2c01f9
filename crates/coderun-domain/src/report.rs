//! Defines a runner's report on a program.

use std::time::Duration;

use crate::{ByteSize, Output, Signal, Verdict};

/// The way in which a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// The process exited with this code.
    Exited(i32),
    /// This signal ended the process.
    Signaled(Signal),
}

/// The resources that a stage used; `None` if the runner does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time of all processes together.
    pub cpu_time: Option<Duration>,
    /// Wall time.
    pub wall_time: Option<Duration>,
    /// Peak memory.
    pub memory: Option<ByteSize>,
}

/// The controls that were in force on a run, each with its mechanism; `None` means not enforced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enforcement {
    /// CPU time.
    pub cpu: Option<String>,
    /// Memory.
    pub memory: Option<String>,
    /// Number of processes.
    pub processes: Option<String>,
    /// Isolation from the network.
    pub network: Option<String>,
    /// Isolation from files outside the sandbox.
    pub filesystem: Option<String>,
    /// Amount of output.
    pub output: Option<String>,
    /// `abandoned` if a cancelled program was not killed: it ends by itself or by its limits.
    pub cancel: Option<String>,
}

/// A runner's report on the compile stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileReport {
    /// The exit status of the compiler, if it was started.
    pub exit_status: Option<ExitStatus>,
    /// The resources that were used.
    pub usage: Usage,
    /// The output on stdout.
    pub output: Output,
    /// The output on stderr.
    pub error_output: Output,
}

/// A runner's report on a program that it ran, or refused to run.
///
/// A program that crashes is a report, never an error of the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The verdict of the runner.
    pub verdict: Verdict,
    /// The exit status of the program, if it was started.
    pub exit_status: Option<ExitStatus>,
    /// The resources that were used.
    pub usage: Usage,
    /// The compile stage, if there was one.
    pub compile: Option<CompileReport>,
    /// The version that ran, such as `3.11.2`, with the tool where it has a version of its own: `20 (g++ 12.2.0)`.
    pub language_version: Option<String>,
    /// The name of the runner, such as `sandbox`.
    pub runner: String,
    /// The controls that were in force.
    pub enforcement: Enforcement,
    /// A hint for the owner, in one sentence, where the runner knows more than its report tells.
    pub hint: Option<String>,
}
