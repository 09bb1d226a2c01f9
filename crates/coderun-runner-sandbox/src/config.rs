//! Defines the settings of the sandbox.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use coderun_domain::{ByteSize, SubmissionPolicy};
use coderun_languages::LanguageTable;

/// Settings of the sandbox. The defaults fit a machine of its own.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// The program that is started as the launcher; its `main` must begin with [`launcher_main`](crate::launcher_main).
    /// Default: the program that runs.
    pub launcher: PathBuf,
    /// How many programs may run at a time. Default: the number of processors.
    pub slots: usize,
    /// How many of them are busy at a time, which each weighs in the share of the processors: others wait for input. Default: the
    /// number of processors.
    pub busy_slots: usize,
    /// How long a run waits for a free slot before it is refused as overloaded. Default: 10 s.
    pub slot_wait: Duration,
    /// The memory limits of all runs together; a run that does not fit waits for its turn. Default: three quarters of the
    /// memory of the machine, or of the control group of this process.
    pub memory_budget: Option<ByteSize>,
    /// The first user and group id for programs, one a slot and two more, or that of ranges of which another service has the
    /// first. Nothing else on the machine uses ids from there to 65533. Used when the service runs as root; else programs run
    /// under the service's own id. Default: 60000.
    pub first_id: u32,
    /// The languages whose compilers and interpreters are looked for. Default: those built in.
    pub languages: LanguageTable,
    /// The folders that are searched for compilers and interpreters, in this order. Default: those of every machine.
    pub search_path: Vec<PathBuf>,
    /// The environment, beside `PATH`, in which tools are run to find their place and version; version managers such as
    /// pyenv need `HOME`. No program gets any of it. Default: empty.
    pub discovery_environment: Vec<(String, String)>,
    /// How languages are checked before they are offered. Default: every language is offered for which there is a tool.
    pub language_checks: Option<LanguageChecks>,
    /// Whether to use control groups. Default: where they can be used.
    pub control_groups: ControlGroups,
    /// The most processor time that one program gets, in thousandths of a processor. It needs control groups with the controller
    /// `cpu`. Default: as much as others leave.
    pub run_millicores: Option<NonZero<u32>>,
    /// The controls without which nothing is run at all. Default: none beyond the namespaces, without which the sandbox
    /// never runs anything.
    pub required: Vec<Control>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            launcher: PathBuf::from("/proc/self/exe"),
            slots: thread::available_parallelism().map_or(1, usize::from),
            busy_slots: thread::available_parallelism().map_or(1, usize::from),
            slot_wait: Duration::from_secs(10),
            memory_budget: None,
            first_id: 60_000,
            languages: LanguageTable::built_in(),
            search_path: vec!["/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()],
            discovery_environment: Vec::new(),
            language_checks: None,
            control_groups: ControlGroups::WhereUsable,
            run_millicores: None,
            required: Vec::new(),
        }
    }
}

/// How languages are checked: the example of each runs at the start, when its tool has changed, after the runner failed to
/// run a program in it, and from time to time.
#[derive(Debug, Clone, Copy)]
pub struct LanguageChecks {
    /// The rules of submissions. An example must run under the limits of one that asks for none.
    pub policy: SubmissionPolicy,
    /// The time between two checks of a language.
    pub interval: Duration,
}

/// Whether control groups are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlGroups {
    /// Version 2 or 1, as the machine permits.
    WhereUsable,
    /// Never: limits are those of single processes, and the service adds up what it sees.
    Never,
}

/// A control that an operator may require.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// CPU time of all processes together, counted by the kernel.
    Cpu,
    /// Memory of all processes together.
    Memory,
    /// Number of processes, with the kernel reporting when the limit was reached.
    Processes,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Processes];

    /// The name of the control, as in the list of what was enforced on a run.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Processes => "processes",
        }
    }
}
