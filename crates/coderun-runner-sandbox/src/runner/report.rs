//! Builds what all reports of this runner have in common.

use coderun_domain::{Enforcement, Report, Usage, Verdict};

use crate::cgroup::{CgroupVersion, Groups};
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

/// What a program lacks where no control group gives it processor time beside others.
const NO_SHARES: &str = "no promised share of the processors";

/// The controls in force.
pub(super) fn enforcement(groups: &Groups, landlock: bool) -> Enforcement {
    let (memory, processes) = match groups.version() {
        Some(CgroupVersion::One) => ("cgroup1", "cgroup1"),
        Some(CgroupVersion::Two) => ("cgroup2", "cgroup2"),
        None => (
            "polled, rlimit (approximate)",
            "polled, rlimit (killed processes may end late)",
        ),
    };
    let cpu = match groups.version() {
        Some(_) if groups.no_shares_because().is_none() => {
            format!("{memory}, equal shares of the processors")
        }
        Some(_) => format!("{memory}, {NO_SHARES}"),
        None => {
            format!("polled, rlimit (children that are not waited for count in part), {NO_SHARES}")
        }
    };
    let filesystem = if landlock {
        "mount namespace, landlock"
    } else {
        "mount namespace"
    };
    Enforcement {
        cpu: Some(cpu),
        memory: Some(memory.to_owned()),
        processes: Some(processes.to_owned()),
        network: Some("network namespace, seccomp".to_owned()),
        filesystem: Some(filesystem.to_owned()),
        output: Some("pipe".to_owned()),
        cancel: None,
    }
}
