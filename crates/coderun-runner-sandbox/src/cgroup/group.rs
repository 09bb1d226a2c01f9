//! Defines what the groups of a stage can do, in whichever version of control groups.

use std::fmt::Debug;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The limits of a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupLimits {
    /// Memory of all its processes.
    pub(crate) memory_bytes: u64,
    /// Its processes and threads, the sandbox's own first process among them.
    pub(crate) processes: u64,
}

/// The usage that a group has counted so far; `None` where it cannot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GroupUsage {
    /// CPU time of all that ever ran in it.
    pub(crate) cpu: Option<Duration>,
    /// Most memory that it had at one time.
    pub(crate) peak_bytes: Option<u64>,
    /// The number of its processes that the kernel killed for lack of memory.
    pub(crate) memory_kills: u64,
    /// The number of new processes that were refused.
    pub(crate) processes_refused: u64,
}

/// The version of control groups that is used on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CgroupVersion {
    /// Version 1, with version 2 for killing where it is mounted too.
    One,
    /// Version 2.
    Two,
}

/// The folders in which groups of one version are created.
pub(super) trait GroupParent: Debug + Send + Sync {
    fn version(&self) -> CgroupVersion;

    /// The groups of a stage, which do not exist yet.
    fn group(&self, name: &str) -> Box<dyn Group>;
}

/// The groups of one stage.
pub(crate) trait Group: Debug + Send + Sync {
    /// Creates them with these limits.
    fn create(&self, limits: &GroupLimits) -> io::Result<()>;

    /// The version 2 group into which the first process is cloned.
    fn clone_target(&self) -> io::Result<Option<OwnedFd>>;

    /// The `tasks` files of version 1 into which the first process writes itself.
    fn tasks_files(&self) -> io::Result<Vec<OwnedFd>>;

    /// Kills all their processes at once, where the kernel can do that.
    fn kill(&self);

    /// The usage that they have counted so far.
    fn usage(&self) -> GroupUsage;

    /// Removes them. Their processes must be gone, or be going.
    fn remove(&self) -> io::Result<()>;
}
