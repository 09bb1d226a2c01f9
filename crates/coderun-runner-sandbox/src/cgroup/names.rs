//! Names groups after the service that created them, and removes those of dead services.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::files::remove_folder;
use crate::process_stat::stat_fields;

const PREFIX: &str = "coderun-";

/// The service that creates groups: one process, in one boot of the machine.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// `coderun-<boot>-<process id>-<start time>-`.
    prefix: String,
    last: Arc<AtomicU64>,
}

impl Owner {
    /// This process.
    pub(super) fn this_process() -> io::Result<Self> {
        let process_id = std::process::id();
        let started = start_time(process_id)
            .ok_or_else(|| io::Error::other("the start time of this process is not known"))?;
        Ok(Self {
            prefix: format!("{PREFIX}{}-{process_id}-{started}-", boot_id_prefix()?),
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

/// Removes the groups of dead services, and kills what still runs in them. A group that cannot be removed is left to the
/// next start.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let Ok(boot) = boot_id_prefix() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if is_orphaned(name, &boot) {
            let group = entry.path();
            // Only version 2 has the file; where it has none, the processes died with their launcher.
            let _ = fs::write(group.join("cgroup.kill"), "1");
            if let Err(error) = remove_folder(&group) {
                tracing::warn!(%error, group = name, "control group of a dead service cannot be removed");
            }
        }
    }
}

/// Whether a group belongs to a service like this one that is dead.
fn is_orphaned(name: &str, boot: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('-').collect();
    let [owner_boot, process_id, started, _] = *parts else {
        return false;
    };
    let (Ok(process_id), Ok(started)) = (process_id.parse(), started.parse::<u64>()) else {
        return false;
    };
    owner_boot != boot || start_time(process_id) != Some(started)
}

/// The first part of the id of this boot of the machine.
fn boot_id_prefix() -> io::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.chars().take_while(|c| *c != '-').collect())
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
    fn groups_of_a_living_service_are_not_orphaned() {
        let owner = Owner::this_process().unwrap();
        assert!(!is_orphaned(&owner.next_name(), &boot_id_prefix().unwrap()));
    }

    #[test]
    fn a_process_that_is_not_reaped_counts_as_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        while !fs::read_to_string(&stat).unwrap().contains(") Z ") {
            std::thread::yield_now();
        }
        assert_eq!(start_time(child.id()), None);
        child.wait().unwrap();
        assert!(start_time(std::process::id()).is_some());
    }

    #[test]
    fn groups_of_a_dead_service_and_of_an_earlier_boot_are_orphaned() {
        let boot = boot_id_prefix().unwrap();
        let own = std::process::id();
        assert!(is_orphaned(&format!("coderun-{boot}-{own}-1-0"), &boot));
        let own = Owner::this_process().unwrap().next_name();
        assert!(is_orphaned(&own, "another"));
    }

    #[test]
    fn groups_with_other_names_are_never_orphaned() {
        for name in [
            "docker-1-2-3-4",
            "coderun-worker",
            "coderun-a-b-c-d",
            "coderun-a-1-2-3-4",
        ] {
            assert!(!is_orphaned(name, "a"), "{name}");
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
