//! Creates control groups of version 2, with memory, pids and, where possible, cpu delegated to the service.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::delegation::Delegation;
use super::files::{read_entry, read_number, read_sum, remove_folder};
use super::group::{CgroupVersion, Frozen, Group, GroupLimits, GroupUsage, JoinDescriptors};
use super::hierarchy::Hierarchies;
use super::processor_share::PERIOD;

/// The folder of a group of version 2. Groups of stages are created in that of the service.
#[derive(Debug)]
pub(super) struct Version2 {
    folder: PathBuf,
    shares_processors: bool,
    /// Ends with the service's own group.
    _delegation: Option<Delegation>,
}

impl Version2 {
    /// Finds the service's group and delegates its controllers.
    ///
    /// # Errors
    /// The reason why there are none to delegate.
    pub(super) fn find(hierarchies: &Hierarchies) -> io::Result<Self> {
        let own = hierarchies
            .version2()
            .ok_or_else(|| io::Error::other("no control groups are mounted"))?;
        let delegation = Delegation::of(own)?;
        Ok(Self {
            folder: delegation.folder().to_owned(),
            shares_processors: delegation.shares_processors(),
            _delegation: Some(delegation),
        })
    }
}

impl Group for Version2 {
    fn version(&self) -> CgroupVersion {
        CgroupVersion::Two
    }

    fn shares_processors(&self) -> bool {
        self.shares_processors
    }

    fn give_up_shares(&mut self) {
        self.shares_processors = false;
    }

    fn child(&self, name: &str) -> Box<dyn Group> {
        Box::new(Self {
            folder: self.folder.join(name),
            shares_processors: self.shares_processors,
            _delegation: None,
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
        if self.shares_processors {
            write(
                "cpu.weight",
                &limits.share.weight(ORDINARY_WEIGHT).to_string(),
            )?;
            if let Some(quota) = limits.share.quota {
                let (quota, period) = (quota.as_micros(), PERIOD.as_micros());
                write("cpu.max", &format!("{quota} {period}"))?;
            }
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
        if self.shares_processors {
            // Where they cannot be written, the end takes longer.
            let _ = fs::write(self.folder.join("cpu.weight"), ORDINARY_WEIGHT.to_string());
            let _ = fs::write(self.folder.join("cpu.max"), "max");
        }
        // Kernels before 5.14 have no such file; the launcher kills the first process in any case.
        let _ = fs::write(self.folder.join("cgroup.kill"), "1");
    }

    fn set_frozen(&self, frozen: Frozen) -> bool {
        frozen.write_to(&self.folder)
    }

    fn usage(&self) -> GroupUsage {
        let file = |name: &str| self.folder.join(name);
        let memory_events = file("memory.events");
        GroupUsage {
            cpu: read_entry(&file("cpu.stat"), "usage_usec").map(Duration::from_micros),
            memory_bytes: read_sum(&file("memory.stat"), ["anon", "shmem"]),
            ..GroupUsage::default()
        }
        .with_memory_kills(
            || read_entry(&memory_events, "oom_kill"),
            || read_entry(&memory_events, "oom").is_none_or(|times| times > 0),
        )
        .with_refusals(&self.folder)
    }

    fn is_memory_exhausted(&self) -> bool {
        let file = |name: &str| self.folder.join(name);
        let times_full = read_entry(&file("memory.events"), "max").unwrap_or(0);
        let used = read_sum(&file("memory.stat"), ["anon", "shmem"]);
        let used_and_limit = used.zip(read_number(&file("memory.max")));
        let is_full = |(used, limit)| used >= limit - limit / FREE_PART;
        times_full > 0 && used_and_limit.is_some_and(is_full)
    }

    fn remove(&self) -> io::Result<()> {
        remove_folder(&self.folder)
    }
}

/// Of a group whose memory is exhausted, less than this part is neither anonymous nor shared memory.
const FREE_PART: u64 = 64;

/// The weight of an ordinary task.
const ORDINARY_WEIGHT: u64 = 100;

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;
    use crate::cgroup::{OutsideLimit, ProcessorShare};

    /// A folder in place of a group, for kernels that do not delegate controllers.
    fn fake_group() -> (tempfile::TempDir, Version2) {
        let root = tempfile::tempdir().unwrap();
        let group = Version2 {
            folder: root.path().join("group"),
            shares_processors: true,
            _delegation: None,
        };
        let limits = GroupLimits {
            memory_bytes: 1024,
            processes: 3,
            share: ProcessorShare::new(NonZero::<u32>::MIN, 4, NonZero::new(500)),
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
        assert_eq!(read("cpu.weight"), "25");
        assert_eq!(read("cpu.max"), "50000 100000");
    }

    #[test]
    fn a_killed_group_has_the_share_of_a_task_and_no_quota() {
        let (_root, group) = fake_group();
        group.kill();
        let read = |file: &str| fs::read_to_string(group.folder.join(file)).unwrap();
        assert_eq!(read("cpu.weight"), "100");
        assert_eq!(read("cpu.max"), "max");
    }

    #[test]
    fn what_was_counted_is_read_back() {
        let (_root, group) = fake_group();
        for (file, text) in [
            ("cpu.stat", "usage_usec 1500\nuser_usec 1\n"),
            ("memory.stat", "anon 4096\nfile 99\nshmem 5\n"),
            ("memory.events", "low 0\noom 2\noom_kill 1\n"),
            ("pids.events", "max 7\n"),
            ("pids.peak", "3\n"),
        ] {
            fs::write(group.folder.join(file), text).unwrap();
        }
        let expected = GroupUsage {
            cpu: Some(Duration::from_micros(1500)),
            memory_bytes: Some(4101),
            memory_kills: 1,
            processes_refused: 7,
            outside: None,
        };
        assert_eq!(group.usage(), expected);
    }
    #[test]
    fn memory_is_exhausted_where_the_limit_was_met_and_little_else_is_in_it() {
        let (_root, group) = fake_group();
        let write = |file: &str, text: &str| fs::write(group.folder.join(file), text).unwrap();
        for (times_full, anonymous, expected) in
            [(0, 1000, false), (9, 1000, true), (9, 980, false)]
        {
            write("memory.events", &format!("max {times_full}\noom 0\n"));
            write("memory.stat", &format!("anon {anonymous}\nshmem 20\n"));
            assert_eq!(group.is_memory_exhausted(), expected);
        }
    }

    #[test]
    fn a_limit_of_a_group_above_is_told_from_the_own_one() {
        let (_root, group) = fake_group();
        let write = |file: &str, text: &str| fs::write(group.folder.join(file), text).unwrap();
        write("memory.events", "oom 0\noom_kill 1\n");
        assert_eq!(group.usage().outside, Some(OutsideLimit::Memory));
        assert_eq!(group.usage().memory_kills, 0);
        write("memory.events", "oom 0\noom_kill 0\n");
        write("pids.events", "max 7\n");
        write("pids.peak", "2\n");
        assert_eq!(group.usage().outside, Some(OutsideLimit::Processes));
        assert_eq!(group.usage().processes_refused, 0);
    }
}
