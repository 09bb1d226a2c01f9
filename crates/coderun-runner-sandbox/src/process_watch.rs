//! Counts what the processes of a sandbox use by polling them from outside, where no control group counts it.
//!
//! Memory is the anonymous pages and page tables of all processes, the files of the sandbox, the shared memory that has no
//! file, and what many sockets may hold. The sum over the processes counts pages several times that a fork shares; only
//! when it matters, the slower figures are read that divide such pages among their users. The usage of a process that
//! ends between two polls without being reaped is lost.

mod process;
mod shared_memory;
mod sockets;

use std::collections::HashMap;
use std::time::Duration;

use coderun_domain::StageLimits;
use rustix::fs::statfs;
use rustix::time::{ClockId, clock_gettime};

use crate::cgroup::GroupUsage;
use crate::jail::has_same_memory;
use crate::process_tree::children;
use crate::protocol::BOX;
use process::{Process, ProcessMemory};
use shared_memory::SharedMemory;
use sockets::socket_bytes;

/// Polls the processes of one sandbox.
#[derive(Debug)]
pub(crate) struct ProcessWatch {
    first_process: i32,
    limits: StageLimits,
    shared: SharedMemory,
    /// The most memory that was found so far.
    peak_bytes: u64,
    /// The most of the pages of files that all processes had mapped at one time.
    mapped_files_bytes: u64,
    /// The processes and threads of the last look, and whether there were fewer before.
    tasks: u64,
    is_multiplying: bool,
    /// The processor time and page faults of the last look, and whether they were the same before.
    activity: Option<(Duration, u64)>,
    is_idle: bool,
    /// The CPU time that the last look took.
    cost: Duration,
}

impl ProcessWatch {
    /// A watch over everything below the first process of a sandbox.
    pub(crate) fn new(first_process: i32, limits: StageLimits) -> Self {
        Self {
            first_process,
            limits,
            shared: SharedMemory::default(),
            peak_bytes: 0,
            mapped_files_bytes: 0,
            tasks: 0,
            is_multiplying: false,
            activity: None,
            is_idle: false,
            cost: Duration::ZERO,
        }
    }

    /// Whether the last look found more processes than the one before.
    pub(crate) fn is_multiplying(&self) -> bool {
        self.is_multiplying
    }

    /// Whether the processes used no processor time between the last two looks, to a hundredth of a second, and no new page.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// The CPU time that the last look took.
    pub(crate) fn cost(&self) -> Duration {
        self.cost
    }

    /// Whether a process with this greatest resident size was beyond the limit, between two looks or before the first. The
    /// size counts mapped files, which nobody else counts.
    pub(crate) fn is_too_large(&self, resident_bytes: u64) -> bool {
        let files = self.mapped_files_bytes.max(MAPPED_FILES_BYTES);
        resident_bytes > self.limits.memory().as_bytes().saturating_add(files)
    }

    /// Adds up what the processes use now. Blocks for as long as it takes to read some files for each process, and longer
    /// where a fork shares much.
    pub(crate) fn look(&mut self) -> GroupUsage {
        let begun = thread_cpu();
        let usage = self.usage();
        self.cost = thread_cpu().saturating_sub(begun);
        usage
    }

    fn usage(&mut self) -> GroupUsage {
        let processes = self.processes();
        let tasks = processes.iter().map(|process| process.threads).sum();
        self.is_multiplying = tasks > self.tasks;
        self.tasks = tasks;
        let cpu = processes
            .iter()
            .flat_map(|process| [process.own_cpu, process.reaped_cpu])
            .fold(reaped_by(self.first_process), Duration::saturating_add);
        // The kernel counts processor time in hundredths of a second, in which much can be written.
        let page_faults = processes.iter().map(|it| it.page_faults).sum();
        let activity = Some((cpu, page_faults));
        self.is_idle = self.activity == activity && !self.is_multiplying;
        self.activity = activity;
        let mut usage = GroupUsage {
            cpu: Some(cpu),
            ..GroupUsage::default()
        };
        if tasks > u64::from(self.limits.processes()) {
            // Its end, and soon, is all that matters.
            usage.processes_refused = 1;
            return usage;
        }
        let memory_bytes = self.memory_bytes(&processes);
        self.peak_bytes = self.peak_bytes.max(memory_bytes);
        usage.memory_bytes = Some(memory_bytes);
        usage.memory_kills = u64::from(memory_bytes > self.limits.memory().as_bytes());
        usage
    }

    /// The processes of the program; as soon as they are too many, not all of them. The first process is not among them,
    /// because it is the sandbox's.
    fn processes(&self) -> Vec<Process> {
        let mut found = Vec::new();
        let mut tasks = 0;
        let mut waiting = children(self.first_process);
        while let Some(pid) = waiting.pop() {
            if let Some(process) = Process::read(pid) {
                tasks += process.threads;
                found.push(process);
            }
            if tasks > u64::from(self.limits.processes()) {
                break;
            }
            waiting.extend(children(pid));
        }
        found
    }

    fn memory_bytes(&mut self, processes: &[Process]) -> u64 {
        let shared = self.shared.measure(processes.iter().map(|it| it.pid));
        let not_private = shared
            .saturating_add(file_bytes(processes))
            .saturating_add(socket_bytes(self.first_process));
        let private = private_memory(processes);
        let mapped_files = private.values().map(|it| it.mapped_files).sum();
        self.mapped_files_bytes = self.mapped_files_bytes.max(mapped_files);
        let total = private.values().map(ProcessMemory::total_bytes).sum();
        let all = not_private.saturating_add(total);
        if processes.len() < 2 {
            return all;
        }
        let limit = self.limits.memory().as_bytes();
        let is_near = all <= self.peak_bytes.saturating_add(self.peak_bytes / 8);
        if all <= limit && (is_near || self.is_idle) {
            // It may count pages several times, and is not far above what was measured, or nobody has written since then.
            return all.min(self.peak_bytes);
        }
        let all = not_private.saturating_add(proportional_bytes(&private));
        if all <= limit {
            return all;
        }
        // Those that ended while the others were measured have left their part of what was shared to them.
        let private = private_memory(processes);
        all.min(not_private.saturating_add(proportional_bytes(&private)))
    }
}

/// The pages of files that a program is taken to have mapped where no look has told of more: a large runtime.
const MAPPED_FILES_BYTES: u64 = 64 << 20;

/// The CPU time of this thread.
pub(crate) fn thread_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// The CPU time of the processes that the first process has reaped. Its own is not the program's.
fn reaped_by(first_process: i32) -> Duration {
    Process::read(first_process).map_or(Duration::ZERO, |it| it.reaped_cpu)
}

fn private_memory(processes: &[Process]) -> HashMap<i32, ProcessMemory> {
    let read = |process: &Process| (process.pid, ProcessMemory::read(process.pid));
    processes.iter().map(read).collect()
}

/// The private memory of all processes, with every page counted once.
fn proportional_bytes(private: &HashMap<i32, ProcessMemory>) -> u64 {
    let mut measured: HashMap<ProcessMemory, Vec<i32>> = HashMap::new();
    let mut total = 0_u64;
    for (pid, memory) in private {
        // A process that `vfork` has started is in the memory of its parent until it executes a program.
        let alike = measured.entry(*memory).or_default();
        if !alike.iter().any(|other| has_same_memory(*other, *pid)) {
            total = total.saturating_add(memory.proportional_bytes(*pid));
            alike.push(*pid);
        }
    }
    total
}

/// What the files of a sandbox take, deleted ones too. They are in one file system in memory.
fn file_bytes(processes: &[Process]) -> u64 {
    // A process that has ended has no root any more, and one that has not begun may not be read yet.
    let boxes = processes
        .iter()
        .map(|it| format!("/proc/{}/root{BOX}", it.pid));
    let mut file_systems = boxes.filter_map(|folder| statfs(folder).ok());
    let file_system = file_systems.find(|it| it.f_type == TMPFS);
    file_system.map_or(0, |it| {
        let blocks = it.f_blocks.saturating_sub(it.f_bfree);
        blocks.saturating_mul(it.f_bsize.unsigned_abs())
    })
}

/// The kernel's number for file systems in memory.
const TMPFS: i64 = 0x0102_1994;

#[cfg(test)]
mod tests {
    use std::process::{Command, id};
    use std::time::Instant;

    use coderun_domain::ByteSize;

    use super::*;

    #[test]
    fn processes_that_use_no_processor_time_are_idle() {
        let minute = Duration::from_mins(1);
        let limits = StageLimits::new(minute, minute, ByteSize::from_mib(256), 64).unwrap();
        let mut watch = ProcessWatch::new(id().cast_signed(), limits);
        let mut sleeping = Command::new("sleep").arg("60").spawn().unwrap();
        let began = Instant::now();
        watch.look();
        assert!(!watch.is_idle(), "the first look has none to compare with");
        while !watch.is_idle() {
            watch.look();
            assert!(began.elapsed() < minute, "it never becomes idle");
        }
        let busy = ["-c", "while :; do :; done"];
        let mut busy = Command::new("sh").args(busy).spawn().unwrap();
        while watch.is_idle() {
            watch.look();
            assert!(began.elapsed() < minute, "it stays idle");
        }
        for child in [&mut sleeping, &mut busy] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
