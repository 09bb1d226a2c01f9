//! Creates control groups of version 2, with memory and pids delegated to the service.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{read_entry, read_number, remove_folder};
use super::group::{CgroupVersion, Group, GroupLimits, GroupUsage, JoinDescriptors};
use super::hierarchy::Hierarchies;

/// The group into which the service moves itself, because a group that has children may hold no process.
const SERVICE_GROUP: &str = "coderun-service";

/// The folder of a group of version 2. Groups of stages are created in that of the service.
#[derive(Debug)]
pub(super) struct Version2 {
    folder: PathBuf,
}

impl Version2 {
    /// Finds the service's group and delegates its controllers; `None` if it has none to delegate.
    pub(super) fn find(hierarchies: &Hierarchies) -> Option<Self> {
        let own = hierarchies.version2()?;
        // After a restart in the same group the service may already be in the group of its own.
        let folder = match own.file_name() {
            Some(name) if name == SERVICE_GROUP => own.parent()?,
            Some(_) | None => own,
        };
        if !has_words(&folder.join("cgroup.controllers"), &["memory", "pids"]) {
            return None;
        }
        match delegate(folder) {
            Ok(()) => Some(Self {
                folder: folder.to_owned(),
            }),
            Err(error) => {
                tracing::warn!(%error, "control groups of version 2 cannot be delegated");
                None
            }
        }
    }
}

/// Lets groups below have the controllers.
fn delegate(folder: &Path) -> io::Result<()> {
    let control = folder.join("cgroup.subtree_control");
    if has_words(&control, &["memory", "pids"]) {
        return Ok(());
    }
    if fs::write(&control, "+memory +pids").is_ok() {
        return Ok(());
    }
    let service = folder.join(SERVICE_GROUP);
    match fs::create_dir(&service) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::write(service.join("cgroup.procs"), "0")?;
    fs::write(&control, "+memory +pids")
}

fn has_words(file: &Path, words: &[&str]) -> bool {
    let Ok(text) = fs::read_to_string(file) else {
        return false;
    };
    let found: Vec<&str> = text.split_whitespace().collect();
    words.iter().all(|word| found.contains(word))
}

impl Group for Version2 {
    fn version(&self) -> CgroupVersion {
        CgroupVersion::Two
    }

    fn child(&self, name: &str) -> Box<dyn Group> {
        Box::new(Self {
            folder: self.folder.join(name),
        })
    }

    fn create(&self, limits: &GroupLimits) -> io::Result<()> {
        fs::create_dir(&self.folder)?;
        let write = |file: &str, value: &str| fs::write(self.folder.join(file), value);
        write("memory.max", &limits.memory_bytes.to_string())?;
        write("memory.oom.group", "1")?;
        write("pids.max", &limits.processes.to_string())?;
        if self.folder.join("memory.swap.max").exists() {
            write("memory.swap.max", "0")?;
        }
        Ok(())
    }

    fn join_descriptors(&self) -> io::Result<JoinDescriptors> {
        Ok(JoinDescriptors {
            clone_target: Some(fs::File::open(&self.folder)?.into()),
            tasks_files: Vec::new(),
        })
    }

    fn kill(&self) {
        // Kernels before 5.14 have no such file; the launcher kills the first process in any case.
        let _ = fs::write(self.folder.join("cgroup.kill"), "1");
    }

    fn usage(&self) -> GroupUsage {
        let file = |name: &str| self.folder.join(name);
        GroupUsage {
            cpu: read_entry(&file("cpu.stat"), "usage_usec").map(Duration::from_micros),
            peak_bytes: read_number(&file("memory.peak"))
                .or_else(|| read_number(&file("memory.current"))),
            memory_kills: read_entry(&file("memory.events"), "oom_kill").unwrap_or(0),
            processes_refused: read_entry(&file("pids.events"), "max").unwrap_or(0),
        }
    }

    fn remove(&self) -> io::Result<()> {
        remove_folder(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder in place of a group, for kernels that do not delegate controllers.
    fn fake_group() -> (tempfile::TempDir, Version2) {
        let root = tempfile::tempdir().unwrap();
        let group = Version2 {
            folder: root.path().join("group"),
        };
        let limits = GroupLimits {
            memory_bytes: 1024,
            processes: 3,
        };
        group.create(&limits).unwrap();
        (root, group)
    }

    #[test]
    fn limits_are_written_and_memory_ends_the_whole_group() {
        let (_root, group) = fake_group();
        let read = |file: &str| fs::read_to_string(group.folder.join(file)).unwrap();
        assert_eq!(read("memory.max"), "1024");
        assert_eq!(read("memory.oom.group"), "1");
        assert_eq!(read("pids.max"), "3");
    }

    #[test]
    fn what_was_counted_is_read_back() {
        let (_root, group) = fake_group();
        for (file, text) in [
            ("cpu.stat", "usage_usec 1500\nuser_usec 1\n"),
            ("memory.peak", "4096\n"),
            ("memory.events", "low 0\noom 2\noom_kill 1\n"),
            ("pids.events", "max 7\n"),
        ] {
            fs::write(group.folder.join(file), text).unwrap();
        }
        let expected = GroupUsage {
            cpu: Some(Duration::from_micros(1500)),
            peak_bytes: Some(4096),
            memory_kills: 1,
            processes_refused: 7,
        };
        assert_eq!(group.usage(), expected);
    }
}
