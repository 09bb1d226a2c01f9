//! Names groups after the service that created them, and removes those of dead services.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::files::{REMOVAL_DEADLINE, read_entry, remove_folder_until};
use crate::process_stat::stat_fields;

const PREFIX: &str = "coderun-";

/// The service that creates groups: one process of one process namespace.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// `coderun-<process namespace>-<process id>-<start time>-`.
    prefix: String,
    last: Arc<AtomicU64>,
}

impl Owner {
    /// This process.
    pub(super) fn this_process() -> io::Result<Self> {
        let process_id = std::process::id();
        let started = start_time(process_id)
            .ok_or_else(|| io::Error::other("the start time of this process is not known"))?;
        let namespace = process_namespace()?;
        Ok(Self {
            prefix: format!("{PREFIX}{namespace}-{process_id}-{started}-"),
            last: Arc::new(LAST.fetch_add(1 << 32, Ordering::Relaxed).into()),
        })
    }

    /// A name that no other group has.
    pub(super) fn next_name(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        format!("{}{number}", self.prefix)
    }
}

/// Lets two sandboxes of one process make different names.
static LAST: AtomicU64 = AtomicU64::new(0);

/// The process that a group's name tells of.
#[derive(Debug, PartialEq, Eq)]
enum OwnerState {
    Living,
    Dead,
    /// Of another process namespace, where its id says nothing here.
    Unknown,
}

/// Removes the groups of dead services in these folders, and kills what still runs in them. Groups of services in other
/// process namespaces are removed where no process is in them. A group that cannot be removed is left to the next start.
pub(super) fn sweep<'a>(folders: impl Iterator<Item = &'a Path>) {
    let Ok(namespace) = process_namespace() else {
        return;
    };
    let (mut dead, mut empty) = (Vec::new(), Vec::new());
    for group in folders.flat_map(children) {
        let name = group.file_name().and_then(|name| name.to_str());
        match name.and_then(|name| owner_state(name, namespace)) {
            Some(OwnerState::Dead) => dead.push(group),
            Some(OwnerState::Unknown) if is_empty(&group) => empty.push(group),
            Some(OwnerState::Unknown | OwnerState::Living) | None => {}
        }
    }
    kill_and_remove(&dead);
    if empty.is_empty() {
        return;
    }
    // They keep nobody from starting, and are left to the next start if this process ends before.
    let remove = move || {
        thread::sleep(EMPTY_FOR);
        for group in empty.iter().filter(|group| is_empty(group)) {
            // The kernel refuses it where processes are that this namespace does not see.
            let _ = fs::remove_dir(group);
        }
    };
    let name = "sandbox-cleanup".to_owned();
    if let Err(error) = thread::Builder::new().name(name).spawn(remove) {
        tracing::warn!(%error, "empty control groups are not removed before the next start");
    }
}

/// A group of another process namespace that is empty twice, this much apart, is not in use: on a machine that is overloaded
/// a living service needs some seconds from creating a group to starting a process in it.
const EMPTY_FOR: Duration = Duration::from_secs(10);

/// The groups in a group.
fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// However many they are, and however long their processes take to end, this service starts soon.
fn kill_and_remove(groups: &[PathBuf]) {
    for group in groups {
        // Only version 2 has the file; where it has none, the processes died with their launcher.
        let _ = fs::write(group.join("cgroup.kill"), "1");
    }
    let deadline = Instant::now() + REMOVAL_DEADLINE;
    for group in groups {
        if let Err(error) = remove_folder_until(group, deadline) {
            let group = group.display();
            tracing::warn!(%error, %group, "control group of a dead service cannot be removed");
        }
    }
}

/// Whether no process is in a group, as far as this process namespace sees them.
fn is_empty(group: &Path) -> bool {
    match read_entry(&group.join("cgroup.events"), "populated") {
        Some(populated) => populated == 0,
        // Version 1 has no such file.
        None => fs::read(group.join("cgroup.procs")).is_ok_and(|processes| processes.is_empty()),
    }
}

/// The state of the service whose group has this name; `None` if it is no group of a stage.
fn owner_state(name: &str, own_namespace: u64) -> Option<OwnerState> {
    let numbers: Vec<u64> = name
        .strip_prefix(PREFIX)?
        .split('-')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [namespace, process_id, started, _] = *numbers else {
        return None;
    };
    let process_id = u32::try_from(process_id).ok()?;
    Some(if namespace != own_namespace {
        OwnerState::Unknown
    } else if start_time(process_id) == Some(started) {
        OwnerState::Living
    } else {
        OwnerState::Dead
    })
}

/// The number of this process's process namespace, which no other living one has.
fn process_namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")?.ino())
}

/// When a living process started, in ticks since boot. It tells apart two processes with the same id.
fn start_time(process_id: u32) -> Option<u64> {
    let fields = stat_fields(process_id)?;
    // A dead process that its parent has not reaped.
    if fields.first()? == "Z" {
        return None;
    }
    fields.get(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_service_is_told_from_a_dead_one_and_from_one_of_another_namespace() {
        let namespace = process_namespace().unwrap();
        let name = Owner::this_process().unwrap().next_name();
        assert_eq!(owner_state(&name, namespace), Some(OwnerState::Living));
        assert_eq!(owner_state(&name, 7), Some(OwnerState::Unknown));
        let own = std::process::id();
        let dead = format!("coderun-{namespace}-{own}-1-0");
        assert_eq!(owner_state(&dead, namespace), Some(OwnerState::Dead));
    }

    #[test]
    fn a_process_that_is_not_reaped_counts_as_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            thread::yield_now();
        }
        assert_eq!(start_time(child.id()), None);
        child.wait().unwrap();
        assert!(start_time(std::process::id()).is_some());
    }

    #[test]
    fn groups_with_other_names_belong_to_no_service() {
        for name in [
            "docker-1-2-3-4",
            "coderun-service",
            "coderun-a-1-2-3",
            "coderun-1-2-3",
            "coderun-1-2-3-4-5",
        ] {
            assert_eq!(owner_state(name, 1), None, "{name}");
        }
    }

    #[test]
    fn no_two_names_are_the_same() {
        let (one, other) = (
            Owner::this_process().unwrap(),
            Owner::this_process().unwrap(),
        );
        assert_ne!(one.next_name(), one.next_name());
        assert_ne!(one.next_name(), other.next_name());
    }
}
