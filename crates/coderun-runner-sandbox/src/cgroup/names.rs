//! Names of groups, which say who made them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::remove_folder;

const PREFIX: &str = "coderun-";

/// Who makes groups: one life of one process on one start of the machine.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    /// `coderun-<boot>-<process id>-<start time>-`.
    prefix: String,
    last: Arc<AtomicU64>,
}

impl Owner {
    /// This process, in this life of it.
    pub(crate) fn this_process() -> io::Result<Self> {
        let process_id = std::process::id();
        let started = start_time(process_id)
            .ok_or_else(|| io::Error::other("the start time of this process is not known"))?;
        Ok(Self {
            prefix: format!("{PREFIX}{}-{process_id}-{started}-", boot()?),
            last: Arc::new(LAST.fetch_add(1 << 32, Ordering::Relaxed).into()),
        })
    }

    /// A name that no other group has.
    pub(crate) fn next_name(&self) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        format!("{}{number}", self.prefix)
    }
}

/// So that two sandboxes of one process make different names.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Removes the groups whose owners are gone, with what still runs in them. What cannot be removed stays for next time.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let Ok(boot) = boot() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if is_left_behind(name, &boot) {
            let group = entry.path();
            // Only version 2 has the file; where it has none, the processes died with their launcher.
            let _ = fs::write(group.join("cgroup.kill"), "1");
            if let Err(error) = remove_folder(&group) {
                tracing::warn!(%error, group = name, "a control group of a dead service stays");
            }
        }
    }
}

/// Whether a name is that of a group of ours whose owner no longer lives.
fn is_left_behind(name: &str, boot: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let mut parts = rest.split('-');
    let (Some(its_boot), Some(process_id), Some(started), Some(_), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return false;
    };
    let (Ok(process_id), Ok(started)) = (process_id.parse(), started.parse::<u64>()) else {
        return false;
    };
    its_boot != boot || start_time(process_id) != Some(started)
}

/// The first part of the number of this start of the machine.
fn boot() -> io::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.chars().take_while(|c| *c != '-').collect())
}

/// When a living process started, in ticks since the machine did: what tells two processes with one id apart.
fn start_time(process_id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    // The second field is the program's name, which may hold anything, in parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    // A dead process that its parent has not asked about yet.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_the_living_are_left_alone() {
        let owner = Owner::this_process().unwrap();
        assert!(!is_left_behind(&owner.next_name(), &boot().unwrap()));
    }

    #[test]
    fn a_process_that_only_waits_to_be_reaped_is_dead() {
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
    fn groups_of_the_dead_and_of_an_earlier_start_are_left_behind() {
        let boot = boot().unwrap();
        let own = std::process::id();
        assert!(is_left_behind(&format!("coderun-{boot}-{own}-1-0"), &boot));
        let own = Owner::this_process().unwrap().next_name();
        assert!(is_left_behind(&own, "another"));
    }

    #[test]
    fn names_of_others_are_never_left_behind() {
        for name in [
            "docker-1-2-3-4",
            "coderun-worker",
            "coderun-a-b-c-d",
            "coderun-a-1-2-3-4",
        ] {
            assert!(!is_left_behind(name, "a"), "{name}");
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
