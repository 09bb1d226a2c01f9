//! Delegates the controllers of version 2 to the groups of stages, and takes them back at the end.
//!
//! A group whose controllers are delegated may hold no process of its own: the service must be in a *leaf* below it. As
//! long as they are delegated, nothing else can be placed into the group either, so they are taken back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::files::{has_words, remove_folder};
use super::neighbours::{Processes, processes_in};

/// The leaf into which the service moves itself where it is in none.
const SERVICE_GROUP: &str = "coderun-service";
/// The controllers that limit a stage.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// The controller that gives each stage a share of the processors. Limits hold without it.
const CPU: [&str; 1] = ["cpu"];

/// A group whose controllers are delegated. Dropping the last one of this process takes them back.
#[derive(Debug)]
pub(super) struct Delegation {
    folder: PathBuf,
    /// The leaf of the service; `None` in the group at the root of the hierarchy, which may hold processes.
    leaf: Option<PathBuf>,
}

/// The number of delegations of this process, which is in one group. It is locked while they begin and end.
static COUNT: Mutex<usize> = Mutex::new(0);

impl Delegation {
    /// Delegates the controllers of a process's own group, or of the one above if the process is in a leaf of it.
    ///
    /// # Errors
    /// The reason for the operator, and what to do.
    pub(super) fn of(own: &Path) -> io::Result<Self> {
        let mut count = COUNT.lock();
        let is_leaf = own.ends_with(SERVICE_GROUP) || !has_controllers(own);
        let delegation = match own.parent() {
            Some(above) if is_leaf && has_controllers(above) => {
                let found = Self::of_leaf(above, own);
                // What the group above refuses is no news to a service that has only its own.
                found.map_err(|error| {
                    if has_controllers(own) {
                        error
                    } else {
                        not_delegated(own)
                    }
                })?
            }
            Some(_) | None => Self::of_own_group(own)?,
        };
        *count += 1;
        Ok(delegation)
    }

    fn of_leaf(folder: &Path, leaf: &Path) -> io::Result<Self> {
        delegate(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            leaf: Some(leaf.to_owned()),
        })
    }

    fn of_own_group(folder: &Path) -> io::Result<Self> {
        if !has_controllers(folder) {
            return Err(not_delegated(folder));
        }
        let moved = |leaf| Self {
            folder: folder.to_owned(),
            leaf,
        };
        if delegate(folder).is_ok() {
            return Ok(moved(None));
        }
        let leaf = folder.join(SERVICE_GROUP);
        let delegated = move_into(&leaf).and_then(|()| delegate(folder));
        if let Err(error) = delegated {
            // It serves nothing where the service is. The error that is passed on says more than one of this.
            let _ = move_back(folder, &leaf);
            return Err(error);
        }
        Ok(moved(Some(leaf)))
    }

    /// The group in which groups with limits can be created.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether groups that are created in it can have a share of the processors.
    pub(super) fn shares_processors(&self) -> bool {
        has_words(&self.folder.join(SUBTREE_CONTROL), &CPU)
    }
}

impl Drop for Delegation {
    fn drop(&mut self) {
        let mut count = COUNT.lock();
        *count = count.saturating_sub(1);
        let Some(leaf) = self.leaf.as_deref().filter(|_| *count == 0) else {
            return;
        };
        if let Err(error) = take_back(&self.folder, leaf) {
            let group = self.folder.display();
            tracing::warn!(%error, %group, "control group cannot be left as it was found");
        }
    }
}

/// Lets groups below have the controllers.
fn delegate(folder: &Path) -> io::Result<()> {
    let control = folder.join(SUBTREE_CONTROL);
    if !has_words(&control, &CONTROLLERS) {
        fs::write(&control, "+memory +pids").map_err(|error| refused(folder, &error))?;
    }
    if !has_words(&control, &CPU) {
        // The group may not have it, and then the service says so.
        let _ = fs::write(&control, "+cpu");
    }
    Ok(())
}

/// The file that says which controllers the groups below have.
const SUBTREE_CONTROL: &str = "cgroup.subtree_control";

fn has_controllers(folder: &Path) -> bool {
    has_words(&folder.join("cgroup.controllers"), &CONTROLLERS)
}

fn move_into(leaf: &Path) -> io::Result<()> {
    let folder = leaf.parent().unwrap_or(leaf);
    let moved = match fs::create_dir(leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => fs::write(leaf.join("cgroup.procs"), "0"),
    };
    moved.map_err(|error| refused(folder, &error))
}

fn move_back(folder: &Path, leaf: &Path) -> io::Result<()> {
    fs::write(folder.join("cgroup.procs"), "0")?;
    remove_folder(leaf)
}

/// Takes the controllers back, and leaves the leaf that the service has made. Does nothing while another service uses them.
fn take_back(folder: &Path, leaf: &Path) -> io::Result<()> {
    // Groups of the last stages, and the launcher, may still be going.
    let deadline = Instant::now() + STAGES_DEADLINE;
    loop {
        match processes_in(leaf) {
            Processes::None | Processes::Others(_) => return Ok(()),
            Processes::OnlyThis if !has_other_groups(folder, leaf) => break,
            Processes::OnlyThis | Processes::OnlyThisAndChildren => {}
        }
        if Instant::now() >= deadline {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let control = folder.join(SUBTREE_CONTROL);
    if has_words(&control, &CPU) {
        fs::write(&control, "-cpu")?;
    }
    fs::write(&control, "-memory -pids")?;
    if leaf.ends_with(SERVICE_GROUP) {
        move_back(folder, leaf)?;
    }
    Ok(())
}

const STAGES_DEADLINE: Duration = Duration::from_secs(2);

fn has_other_groups(folder: &Path, leaf: &Path) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.path() != leaf && entry.path().is_dir())
}

fn not_delegated(folder: &Path) -> io::Error {
    let present = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
    let missing: Vec<&str> = CONTROLLERS
        .into_iter()
        .filter(|controller| !present.split_whitespace().any(|word| word == *controller))
        .collect();
    let missing = missing.join(" and ");
    io::Error::other(format!(
        "the service's control group does not have the controllers {missing}: {ADVICE}"
    ))
}

/// The reason for which the kernel refused to change the service's group.
fn refused(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::other(match processes_in(folder) {
        Processes::Others(names) if error.kind() == io::ErrorKind::ResourceBusy => format!(
            "other processes are in the service's control group ({names}): start the service alone in a group, without a \
             shell or an init beside it, or move them away"
        ),
        Processes::None
        | Processes::OnlyThis
        | Processes::OnlyThisAndChildren
        | Processes::Others(_) => {
            format!("the service may not change its control group ({error}): {ADVICE}")
        }
    })
}

const ADVICE: &str =
    "delegate memory, pids and cpu to the service's user, under systemd by `Delegate=yes`";
