//! Builds what all reports of this runner have in common.

use coderun_domain::{Enforcement, Report, Usage, Verdict};

use crate::cgroup::CgroupVersion;
use crate::toolchain::Toolchain;

/// The name of this runner in reports.
pub(super) const NAME: &str = "sandbox";

/// The report on a program that was not run.
pub(super) fn not_run(verdict: Verdict, toolchain: &Toolchain, enforcement: Enforcement) -> Report {
    Report {
        verdict,
        exit_status: None,
        usage: Usage::default(),
        compile: None,
        language_version: toolchain.full_version.clone(),
        runner: NAME.to_owned(),
        enforcement,
        hint: None,
    }
}

/// The controls in force.
pub(super) fn enforcement(groups: Option<CgroupVersion>, landlock: bool) -> Enforcement {
    let (cpu, memory, processes) = match groups {
        Some(CgroupVersion::One) => ("cgroup1", "cgroup1", "cgroup1"),
        Some(CgroupVersion::Two) => ("cgroup2", "cgroup2", "cgroup2"),
        None => (
            "polled, rlimit",
            "polled, rlimit (approximate)",
            "polled, rlimit",
        ),
    };
    let filesystem = if landlock {
        "mount namespace, landlock"
    } else {
        "mount namespace"
    };
    Enforcement {
        cpu: Some(cpu.to_owned()),
        memory: Some(memory.to_owned()),
        processes: Some(processes.to_owned()),
        network: Some("network namespace, seccomp".to_owned()),
        filesystem: Some(filesystem.to_owned()),
        output: Some("pipe".to_owned()),
        cancel: None,
    }
}
