//! Describes in a report which controls are in force.

use coderun_domain::Enforcement;

use crate::cgroup::CgroupVersion;

/// The controls in force.
pub(super) fn of(groups: Option<CgroupVersion>, landlock: bool) -> Enforcement {
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
