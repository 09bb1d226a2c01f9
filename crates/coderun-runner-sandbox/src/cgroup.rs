//! Control groups: what the kernel counts and limits for all processes of a run together.
//!
//! Each stage of a run has groups of its own, which are removed when it has ended. Their names carry who made them, so
//! that the next start of a service can remove what a service that was killed has left behind.

mod hierarchy;
mod names;
mod version1;
mod version2;

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

/// What the groups of this machine can do, and by what means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// Version 1, with version 2 for killing where it is mounted too.
    Version1,
    /// Version 2.
    Version2,
    /// Nothing.
    None,
}

/// The control groups of this machine, as far as the service may use them.
#[derive(Debug)]
pub(crate) struct Groups {
    version: Version,
    owner: Owner,
}

#[derive(Debug)]
enum Version {
    One(Version1),
    Two(Version2),
    None,
}

impl Groups {
    /// Finds out by trying what can be used, and removes what dead services have left.
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
            Version2::find(&hierarchies).map(Version::Two),
            Version1::find(&hierarchies).map(Version::One),
        ];
        for version in candidates.into_iter().flatten() {
            let groups = Self {
                version,
                owner: owner.clone(),
            };
            match groups.try_out() {
                Ok(()) => return Ok(groups),
                Err(error) => {
                    tracing::warn!(%error, version = ?groups.means(), "control groups cannot be used");
                }
            }
        }
        Ok(Self {
            version: Version::None,
            owner,
        })
    }

    /// By what means groups work here.
    pub(crate) const fn means(&self) -> Means {
        match self.version {
            Version::One(_) => Means::Version1,
            Version::Two(_) => Means::Version2,
            Version::None => Means::None,
        }
    }

    /// Creates the groups of a stage.
    pub(crate) fn create(&self, limits: &GroupLimits) -> io::Result<Group> {
        let name = self.owner.next_name();
        let inner = match &self.version {
            Version::One(version) => Inner::One(version.create(&name, limits)?),
            Version::Two(version) => Inner::Two(version.create(&name, limits)?),
            Version::None => Inner::None,
        };
        Ok(Group { inner })
    }

    fn try_out(&self) -> io::Result<()> {
        let group = self.create(&GroupLimits {
            memory_bytes: 64 << 20,
            processes: 8,
        })?;
        let usage = group.usage();
        group.remove()?;
        match usage {
            GroupUsage {
                cpu: Some(_),
                peak_bytes: Some(_),
                ..
            } => Ok(()),
            _ => Err(io::Error::other("the group does not count")),
        }
    }
}

/// The groups of one stage.
#[derive(Debug)]
pub(crate) struct Group {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    One(version1::Group),
    Two(version2::Group),
    None,
}

impl Group {
    /// The version 2 group into which the first process is born.
    pub(crate) fn born_into(&self) -> io::Result<Option<OwnedFd>> {
        match &self.inner {
            Inner::One(group) => group.born_into(),
            Inner::Two(group) => group.born_into().map(Some),
            Inner::None => Ok(None),
        }
    }

    /// The `tasks` files of version 1 into which the first process writes itself.
    pub(crate) fn tasks_files(&self) -> io::Result<Vec<OwnedFd>> {
        match &self.inner {
            Inner::One(group) => group.tasks_files(),
            Inner::Two(_) | Inner::None => Ok(Vec::new()),
        }
    }

    /// Kills all processes in it at once, where the kernel can do that.
    pub(crate) fn kill(&self) {
        match &self.inner {
            Inner::One(group) => group.kill(),
            Inner::Two(group) => group.kill(),
            Inner::None => {}
        }
    }

    /// What it has counted so far.
    pub(crate) fn usage(&self) -> GroupUsage {
        match &self.inner {
            Inner::One(group) => group.usage(),
            Inner::Two(group) => group.usage(),
            Inner::None => GroupUsage::default(),
        }
    }

    /// Removes it. Its processes must be gone, or be going.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match &self.inner {
            Inner::One(group) => group.remove(),
            Inner::Two(group) => group.remove(),
            Inner::None => Ok(()),
        }
    }
}

/// Removes a group's folder; waits a moment for processes that are still being taken down.
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
