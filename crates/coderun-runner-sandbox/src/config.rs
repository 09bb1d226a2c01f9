//! What an operator may decide about the sandbox.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Settings of the sandbox. The defaults fit a machine of its own.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// The program that is started as the launcher; its `main` must begin with [`launcher_main`](crate::launcher_main).
    /// Default: the program that runs.
    pub launcher: PathBuf,
    /// How many programs may run at a time. Default: the number of processors.
    pub slots: usize,
    /// How long a run waits for a free slot before it is refused as overloaded. Default: 10 s.
    pub slot_wait: Duration,
    /// The first of a range of user and group ids, one a slot, that nothing else on the machine has. Used when the
    /// service runs as root; else programs run under the service's own id. Default: 60000.
    pub first_id: u32,
    /// The folders in which compilers and interpreters are looked for, in this order. Default: those of every machine.
    pub search_path: Vec<PathBuf>,
    /// All of the environment, beside `PATH`, of the tools that are asked where they live; version managers such as
    /// pyenv need `HOME`. Nothing of it reaches a program. Default: empty.
    pub discovery_environment: Vec<(String, String)>,
    /// Whether to use control groups. Default: where they can be used.
    pub control_groups: ControlGroups,
    /// The controls without which nothing is run at all. Default: none beyond the namespaces, without which the sandbox
    /// never runs anything.
    pub required: Vec<Control>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            launcher: PathBuf::from("/proc/self/exe"),
            slots: thread::available_parallelism().map_or(1, usize::from),
            slot_wait: Duration::from_secs(10),
            first_id: 60_000,
            search_path: ["/usr/local/bin", "/usr/bin", "/bin"]
                .map(PathBuf::from)
                .to_vec(),
            discovery_environment: Vec::new(),
            control_groups: ControlGroups::WhereUsable,
            required: Vec::new(),
        }
    }
}

/// Whether control groups are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlGroups {
    /// Version 2 or 1, whatever the machine lets the service use.
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
    /// Number of processes, with the kernel saying when it was reached.
    Processes,
}
