//! Limits and counts what all processes of a stage use together, by control groups.
//!
//! Each stage of a run has groups of its own, which are removed when it has ended. Their names identify the service that
//! created them, so that the next start of a service removes the groups of a service that was killed.

mod hierarchy;
mod names;
mod version1;
mod version2;

use std::fmt::Debug;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::ControlGroups;
use hierarchy::Hierarchies;
pub(crate) use names::Owner;
use version1::Version1;
use version2::Version2;

/// What a group enforces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupLimits {
    /// Memory of all its processes.
    pub(crate) memory_bytes: u64,
    /// Its processes and threads, the sandbox's own first process among them.
    pub(crate) processes: u64,
}

/// What a group has counted so far; `None` where it cannot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GroupUsage {
    /// CPU time of all that ever ran in it.
    pub(crate) cpu: Option<Duration>,
    /// Most memory that it had at one time.
    pub(crate) peak_bytes: Option<u64>,
    /// How many of its processes the kernel killed for want of memory.
    pub(crate) memory_kills: u64,
    /// How often a new process was refused.
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
trait GroupParent: Debug + Send + Sync {
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

    /// Kills all processes in them at once, where the kernel can do that.
    fn kill(&self);

    /// What they have counted so far.
    fn usage(&self) -> GroupUsage;

    /// Removes them. Their processes must be gone, or be going.
    fn remove(&self) -> io::Result<()>;
}

/// The control groups of this machine, as far as the service may use them.
#[derive(Debug)]
pub(crate) struct Groups {
    parent: Option<Box<dyn GroupParent>>,
    owner: Owner,
}

impl Groups {
    /// Finds by a trial what can be used, and removes the groups of dead services.
    pub(crate) fn probe(wanted: ControlGroups) -> io::Result<Self> {
        let owner = Owner::this_process()?;
        let hierarchies = match wanted {
            ControlGroups::WhereUsable => Hierarchies::of_this_process()?,
            ControlGroups::Never => Hierarchies::default(),
        };
        for folder in hierarchies.folders() {
            names::sweep(folder);
        }
        let candidates = [
            Version2::find(&hierarchies).map(|it| Box::new(it) as Box<dyn GroupParent>),
            Version1::find(&hierarchies).map(|it| Box::new(it) as Box<dyn GroupParent>),
        ];
        let parent = candidates.into_iter().flatten().find(|parent| {
            let trial = try_out(parent.as_ref(), &owner.next_name());
            if let Err(error) = &trial {
                tracing::warn!(%error, version = ?parent.version(), "control groups cannot be used");
            }
            trial.is_ok()
        });
        Ok(Self { parent, owner })
    }

    /// The version in use; `None` where no groups can be used.
    pub(crate) fn version(&self) -> Option<CgroupVersion> {
        self.parent.as_ref().map(|parent| parent.version())
    }

    /// Creates the groups of a stage; `None` where no groups can be used.
    pub(crate) fn create(&self, limits: &GroupLimits) -> io::Result<Option<Box<dyn Group>>> {
        let Some(parent) = self.parent.as_deref() else {
            return Ok(None);
        };
        create(parent, &self.owner.next_name(), limits).map(Some)
    }
}

/// Creates the groups of a stage, all or none.
fn create(
    parent: &dyn GroupParent,
    name: &str,
    limits: &GroupLimits,
) -> io::Result<Box<dyn Group>> {
    let group = parent.group(name);
    group.create(limits).inspect_err(|_| {
        // The error that is passed on says more than one of cleaning up after it.
        let _ = group.remove();
    })?;
    Ok(group)
}

fn try_out(parent: &dyn GroupParent, name: &str) -> io::Result<()> {
    let limits = GroupLimits {
        memory_bytes: 64 << 20,
        processes: 8,
    };
    let group = create(parent, name, &limits)?;
    let usage = group.usage();
    group.remove()?;
    match (usage.cpu, usage.peak_bytes) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(io::Error::other(
            "the group counts neither CPU time nor memory",
        )),
    }
}

/// Removes a group's folder, after waiting for processes that are still being taken down.
fn remove_folder(folder: &Path) -> io::Result<()> {
    let deadline = Instant::now() + REMOVAL_DEADLINE;
    loop {
        match fs::remove_dir(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::ResourceBusy => return Err(error),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

const REMOVAL_DEADLINE: Duration = Duration::from_secs(2);

/// Reads a file that holds one number.
fn read_number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Reads the number behind a word at the beginning of a line.
fn read_entry(file: &Path, word: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (found, number) = line.split_once(' ')?;
        (found == word).then(|| number.trim().parse().ok())?
    })
}
