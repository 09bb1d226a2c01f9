//! What was enforced on a run, in words.

use coderun_domain::Enforcement;

use crate::cgroup::Means;

/// The controls in force.
pub(super) fn of(means: Means, landlock: bool) -> Enforcement {
    let (cpu, memory, processes) = match means {
        Means::Version1 => ("cgroup1", "cgroup1", "cgroup1"),
        Means::Version2 => ("cgroup2", "cgroup2", "cgroup2"),
        Means::None => (
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
    }
}
