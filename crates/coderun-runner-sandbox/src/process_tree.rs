//! Polls the processes of a sandbox from outside, where no control group counts their usage.
//!
//! It finds less than a group counts: the usage of a process that ends between two polls without being reaped is lost.

use std::fs;
use std::time::Duration;

use coderun_domain::StageLimits;

use crate::cgroup::GroupUsage;
use crate::process_stat::stat_fields;

/// Adds up the usage of all processes below the first one of a sandbox. The result is never below `before`.
pub(crate) fn poll_usage(
    first_process: i32,
    limits: &StageLimits,
    before: GroupUsage,
) -> GroupUsage {
    let mut totals = Totals::default();
    let mut waiting = vec![first_process];
    while let Some(pid) = waiting.pop() {
        if totals.processes > PROCESSES_MAX {
            break;
        }
        totals.add(pid, pid == first_process);
        waiting.extend(children(pid));
    }
    let cpu = before.cpu.unwrap_or_default().max(totals.cpu);
    let peak_bytes = before.peak_bytes.unwrap_or(0).max(totals.memory_bytes);
    // The first process is not the program's, and every task counts.
    let refused = totals.tasks > u64::from(limits.processes());
    GroupUsage {
        cpu: Some(cpu),
        peak_bytes: Some(peak_bytes),
        memory_kills: u64::from(peak_bytes > limits.memory().as_bytes()).max(before.memory_kills),
        processes_refused: u64::from(refused).max(before.processes_refused),
        outside: None,
    }
}

/// The most processes that are polled, which is more than any limit allows.
const PROCESSES_MAX: u64 = 10_000;

#[derive(Default)]
struct Totals {
    processes: u64,
    tasks: u64,
    cpu: Duration,
    memory_bytes: u64,
}

impl Totals {
    fn add(&mut self, pid: i32, is_first: bool) {
        self.processes += 1;
        let Some(stat) = Stat::read(pid) else { return };
        if is_first {
            // Of the first process only the children that it has reaped belong to the program.
            self.cpu = self.cpu.saturating_add(stat.reaped);
        } else {
            self.cpu = self
                .cpu
                .saturating_add(stat.own)
                .saturating_add(stat.reaped);
            self.memory_bytes = self.memory_bytes.saturating_add(private_bytes(pid));
            self.tasks = self.tasks.saturating_add(stat.threads);
        }
    }
}

struct Stat {
    own: Duration,
    reaped: Duration,
    threads: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        let fields = stat_fields(pid.cast_unsigned())?;
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            own: ticks(number(11)? + number(12)?),
            reaped: ticks(number(13)? + number(14)?),
            threads: number(17)?,
        })
    }
}

/// Converts clock ticks. Linux reports them in hundredths of a second on every machine.
fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(10))
}

/// The private memory of a process. Shared memory would be counted once for each process.
fn private_bytes(pid: i32) -> u64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/statm")) else {
        return 0;
    };
    let mut pages = text.split_whitespace().skip(1);
    let mut next = || pages.next().and_then(|field| field.parse::<u64>().ok());
    let (resident, shared) = (next().unwrap_or(0), next().unwrap_or(0));
    let page_bytes = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    resident.saturating_sub(shared).saturating_mul(page_bytes)
}

/// The children of all threads of a process.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| {
            let pids = text.split_whitespace().filter_map(|pid| pid.parse().ok());
            pids.collect::<Vec<i32>>()
        })
        .collect()
}
