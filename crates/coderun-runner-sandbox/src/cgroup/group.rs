//! Defines what the groups of a stage can do, in whichever version of control groups.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use coderun_domain::StageLimits;

use super::files::{read_entry, read_number};
use super::processor_share::ProcessorShare;

/// The limits of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupLimits {
    /// Memory of all its processes.
    pub(crate) memory_bytes: u64,
    /// Its processes and threads, the sandbox's own first process among them.
    pub(crate) processes: u64,
    /// Its share of the processors, where it can have one.
    pub(crate) share: ProcessorShare,
}

impl GroupLimits {
    /// The limits of a stage.
    pub(crate) fn new(limits: &StageLimits, share: ProcessorShare) -> Self {
        Self {
            memory_bytes: limits.memory().as_bytes(),
            // The first process counts beside those that the limit allows the program.
            processes: u64::from(limits.processes()) + 1,
            share,
        }
    }
}

/// The usage that a group has counted so far; `None` where it cannot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GroupUsage {
    /// CPU time of all that ever ran in it.
    pub(crate) cpu: Option<Duration>,
    /// The anonymous and shared memory in use now. Cached files are not the program's.
    pub(crate) memory_bytes: Option<u64>,
    /// The number of its processes that the kernel killed because of its own limit of memory.
    pub(crate) memory_kills: u64,
    /// The number of new processes that its own limit refused.
    pub(crate) processes_refused: u64,
    /// A limit that is not its own and was reached.
    pub(crate) outside: Option<OutsideLimit>,
}

/// A limit of a group above, or of the whole machine. A program that it ends is not at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutsideLimit {
    /// Memory.
    Memory,
    /// Number of processes.
    Processes,
}

impl OutsideLimit {
    /// The word for what is limited.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
        }
    }
}

impl GroupUsage {
    /// The greater of both figures, each by itself.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.max(other.cpu),
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            memory_kills: self.memory_kills.max(other.memory_kills),
            processes_refused: self.processes_refused.max(other.processes_refused),
            outside: self.outside.or(other.outside),
        }
    }

    /// Adds the number of processes that were killed for lack of memory: because of the group's own limit, if that was met. Kills
    /// are read first, because the kernel meets the limit before it kills.
    pub(super) fn with_memory_kills(
        mut self,
        kills: impl FnOnce() -> Option<u64>,
        own_limit_was_met: impl FnOnce() -> bool,
    ) -> Self {
        let kills = kills().unwrap_or(0);
        if own_limit_was_met() {
            self.memory_kills = kills;
        } else if kills > 0 {
            self.outside = Some(OutsideLimit::Memory);
        }
        self
    }

    /// Adds the number of new processes that were refused, as the files in this folder tell. Kernels before 6.11, and all of
    /// version 1, count those of a group above too, but only its own limit can refuse any while the group is full.
    pub(super) fn with_refusals(mut self, folder: &Path) -> Self {
        let refused = read_entry(&folder.join("pids.events"), "max").unwrap_or(0);
        let number = |file: &str| read_number(&folder.join(file));
        // Older kernels have no such file.
        let was_full = number("pids.peak").zip(number("pids.max"));
        if was_full.is_none_or(|(peak, limit)| peak >= limit) {
            self.processes_refused = refused;
        } else if refused > 0 {
            self.outside = Some(OutsideLimit::Processes);
        }
        self
    }
}

/// The version of control groups that is used on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CgroupVersion {
    /// Version 1, with version 2 for killing where it is mounted too.
    One,
    /// Version 2.
    Two,
}

/// The files by which the first process of a stage joins its groups.
#[derive(Debug, Default)]
pub(crate) struct JoinDescriptors {
    /// The version 2 group into which it is cloned.
    pub(crate) clone_target: Option<OwnedFd>,
    /// The `tasks` files of version 1 into which it writes itself.
    pub(crate) tasks_files: Vec<OwnedFd>,
}

/// Whether the processes of a group are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frozen {
    Yes,
    No,
}

impl Frozen {
    /// Writes it into a folder of version 2. Kernels before 5.2 have no such file.
    pub(super) fn write_to(self, folder: &Path) -> bool {
        let text = match self {
            Self::Yes => "1",
            Self::No => "0",
        };
        fs::write(folder.join("cgroup.freeze"), text).is_ok()
    }
}

/// The groups of the service, or of one stage: one folder in each hierarchy.
pub(crate) trait Group: Debug + Send + Sync {
    /// The version of control groups that they are of.
    fn version(&self) -> CgroupVersion;

    /// Whether each stage gets a share of the processors.
    fn shares_processors(&self) -> bool;

    /// Gives no stage a share of the processors from now on.
    fn give_up_shares(&mut self);

    /// The groups in these with this name, which do not exist yet.
    fn child(&self, name: &str) -> Box<dyn Group>;

    /// Creates them with these limits.
    fn create(&self, limits: &GroupLimits) -> io::Result<()>;

    /// Opens the files by which the first process joins them.
    fn join_descriptors(&self) -> io::Result<JoinDescriptors>;

    /// Kills all their processes at once, where the kernel can do that. To end they need time of the processors, so their share
    /// becomes that of an ordinary task from now on, without a quota.
    fn kill(&self);

    /// Stops all their processes, or lets them go on. Returns whether the kernel can do that.
    fn set_frozen(&self, frozen: Frozen) -> bool;

    /// The usage that they have counted so far.
    fn usage(&self) -> GroupUsage;

    /// Whether their memory is so full that the program gets nowhere: the kernel takes away the pages of its code to make room, and
    /// reads them again, rather than kill. Version 2 alone tells that apart.
    fn is_memory_exhausted(&self) -> bool {
        false
    }

    /// Removes them. Their processes must be gone, or be going.
    fn remove(&self) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_kill_between_two_reads_is_not_taken_for_one_of_another_limit() {
        let events = Cell::new(0);
        let read = || events.replace(1);
        let usage = GroupUsage::default().with_memory_kills(|| Some(read()), || read() > 0);
        assert_eq!(usage, GroupUsage::default());
    }
}
