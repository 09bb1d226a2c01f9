//! Creates control groups of version 1: memory, pids, cpuacct and cpu, and a version 2 group for killing.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{read_entry, read_number, read_sum, remove_folder};
use super::group::{CgroupVersion, Frozen, Group, GroupLimits, GroupUsage, JoinDescriptors};
use super::hierarchy::Hierarchies;
use super::processor_share::{PERIOD, ProcessorShare};

/// The folders of a group of version 1, one for each controller. Groups of stages are created in those of the service.
#[derive(Debug)]
pub(super) struct Version1 {
    memory: PathBuf,
    pids: PathBuf,
    cpuacct: PathBuf,
    /// `None` where programs have no share of the processors. It may be the same folder as that of `cpuacct`.
    cpu: Option<PathBuf>,
    /// Its files `cgroup.kill` and `cpu.stat` work without any controller.
    unified: Option<PathBuf>,
}

impl Version1 {
    /// Finds the three controllers that it must have, and `cpu`.
    ///
    /// # Errors
    /// The one that is missing.
    pub(super) fn find(hierarchies: &Hierarchies) -> io::Result<Self> {
        let folder = |controller| {
            let folder = hierarchies.version1(controller).map(Path::to_owned);
            folder.ok_or_else(|| {
                io::Error::other(format!("version 1 has no controller `{controller}`"))
            })
        };
        Ok(Self {
            memory: folder("memory")?,
            pids: folder("pids")?,
            cpuacct: folder("cpuacct")?,
            cpu: folder("cpu").ok(),
            unified: hierarchies.version2().map(Path::to_owned),
        })
    }
}

/// The part of the memory limit that the buffers of TCP and UDP sockets may have. This version counts them apart, on top of
/// the limit of all other memory, and not at all without a limit of their own.
const SOCKETS_SHARE: u64 = 4;

/// The kernel kills when no more than this cannot be had at once.
const CHARGE_MAX_BYTES: u64 = 256 << 10;

impl Version1 {
    fn folders(&self) -> impl Iterator<Item = &Path> {
        self.version1_folders()
            .chain(&self.unified)
            .map(PathBuf::as_path)
    }

    fn version1_folders(&self) -> impl Iterator<Item = &PathBuf> {
        let cpu = self.cpu.iter().filter(|cpu| **cpu != self.cpuacct);
        let others = [&self.memory, &self.pids, &self.cpuacct].into_iter();
        others.chain(cpu)
    }
}

impl Group for Version1 {
    fn version(&self) -> CgroupVersion {
        CgroupVersion::One
    }

    fn shares_processors(&self) -> bool {
        self.cpu.is_some()
    }

    fn give_up_shares(&mut self) {
        self.cpu = None;
    }

    fn child(&self, name: &str) -> Box<dyn Group> {
        Box::new(Self {
            memory: self.memory.join(name),
            pids: self.pids.join(name),
            cpuacct: self.cpuacct.join(name),
            cpu: self.cpu.as_ref().map(|folder| folder.join(name)),
            unified: self.unified.as_ref().map(|folder| folder.join(name)),
        })
    }

    fn create(&self, limits: &GroupLimits) -> io::Result<()> {
        for folder in self.folders() {
            fs::create_dir(folder)?;
        }
        let memory = limits.memory_bytes.to_string();
        fs::write(self.memory.join("memory.limit_in_bytes"), &memory)?;
        let with_swap = self.memory.join("memory.memsw.limit_in_bytes");
        if with_swap.exists() {
            fs::write(with_swap, &memory)?;
        } else {
            fs::write(self.memory.join("memory.swappiness"), "0")?;
        }
        let sockets = self.memory.join("memory.kmem.tcp.limit_in_bytes");
        if sockets.exists() {
            let bytes = limits.memory_bytes / SOCKETS_SHARE;
            fs::write(sockets, bytes.to_string())?;
        }
        fs::write(self.pids.join("pids.max"), limits.processes.to_string())?;
        self.cpu
            .as_deref()
            .map_or(Ok(()), |cpu| set_share(cpu, &limits.share))
    }

    fn join_descriptors(&self) -> io::Result<JoinDescriptors> {
        let clone_target = self.unified.as_ref().map(fs::File::open).transpose()?;
        let tasks_file = |folder: &PathBuf| {
            let file = fs::File::options().write(true).open(folder.join("tasks"))?;
            Ok(OwnedFd::from(file))
        };
        Ok(JoinDescriptors {
            clone_target: clone_target.map(OwnedFd::from),
            tasks_files: self
                .version1_folders()
                .map(tasks_file)
                .collect::<io::Result<_>>()?,
        })
    }

    fn kill(&self) {
        if let Some(cpu) = &self.cpu {
            // Where they cannot be written, the end takes longer.
            let _ = fs::write(cpu.join("cpu.shares"), ORDINARY_WEIGHT.to_string());
            let _ = fs::write(cpu.join("cpu.cfs_quota_us"), "-1");
        }
        if let Some(unified) = &self.unified {
            // Kernels before 5.14 have no such file; the launcher kills the first process in any case.
            let _ = fs::write(unified.join("cgroup.kill"), "1");
        }
    }

    fn set_frozen(&self, frozen: Frozen) -> bool {
        let unified = self.unified.as_deref();
        unified.is_some_and(|folder| frozen.write_to(folder))
    }

    fn usage(&self) -> GroupUsage {
        let number = |file: &str| read_number(&self.memory.join(file));
        // No kernel counts reliably how often the own limit was met.
        let was_full = || {
            let peak_bytes = number("memory.max_usage_in_bytes");
            let own_limit = number("memory.limit_in_bytes").zip(peak_bytes);
            own_limit.is_none_or(|(limit, peak)| peak + CHARGE_MAX_BYTES >= limit)
        };
        GroupUsage {
            cpu: read_number(&self.cpuacct.join("cpuacct.usage")).map(Duration::from_nanos),
            memory_bytes: read_sum(&self.memory.join("memory.stat"), ["rss", "shmem"]),
            ..GroupUsage::default()
        }
        .with_memory_kills(
            || read_entry(&self.memory.join("memory.oom_control"), "oom_kill"),
            was_full,
        )
        .with_refusals(&self.pids)
    }

    fn remove(&self) -> io::Result<()> {
        self.folders().map(remove_folder).fold(Ok(()), Result::and)
    }
}

/// The weight of an ordinary task.
const ORDINARY_WEIGHT: u64 = 1024;

fn set_share(cpu: &Path, share: &ProcessorShare) -> io::Result<()> {
    let weight = share.weight(ORDINARY_WEIGHT);
    fs::write(cpu.join("cpu.shares"), weight.to_string())?;
    if let Some(quota) = share.quota {
        fs::write(
            cpu.join("cpu.cfs_period_us"),
            PERIOD.as_micros().to_string(),
        )?;
        fs::write(cpu.join("cpu.cfs_quota_us"), quota.as_micros().to_string())?;
    }
    Ok(())
}
