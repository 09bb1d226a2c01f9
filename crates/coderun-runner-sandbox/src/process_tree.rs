//! What can be seen of a sandbox's processes from outside, where no control group counts them.
//!
//! It is less than a group knows: what a process used that ended between two looks, and that nobody waited for, is lost.

use std::fs;
use std::time::Duration;

use coderun_domain::StageLimits;

use crate::cgroup::GroupUsage;

/// Adds up all processes below the first one of a sandbox. What was seen `before` is never taken back.
pub(crate) fn look(first_process: i32, limits: &StageLimits, before: GroupUsage) -> GroupUsage {
    let mut seen = Seen::default();
    let mut waiting = vec![first_process];
    while let Some(pid) = waiting.pop() {
        if seen.processes > PROCESSES_MAX {
            break;
        }
        seen.add(pid, pid == first_process);
        waiting.extend(children(pid));
    }
    let cpu = before.cpu.unwrap_or_default().max(seen.cpu);
    let peak_bytes = before.peak_bytes.unwrap_or(0).max(seen.memory_bytes);
    // The first process is not the program's, and every task counts.
    let refused = seen.tasks > u64::from(limits.processes());
    GroupUsage {
        cpu: Some(cpu),
        peak_bytes: Some(peak_bytes),
        memory_kills: u64::from(peak_bytes > limits.memory().as_bytes()).max(before.memory_kills),
        processes_refused: u64::from(refused).max(before.processes_refused),
    }
}

/// More than any limit allows: a look must not take for ever.
const PROCESSES_MAX: u64 = 10_000;

#[derive(Default)]
struct Seen {
    processes: u64,
    tasks: u64,
    cpu: Duration,
    memory_bytes: u64,
}

impl Seen {
    fn add(&mut self, pid: i32, is_first: bool) {
        self.processes += 1;
        let Some(stat) = Stat::read(pid) else { return };
        if is_first {
            // Of the first process only what it has reaped belongs to the program.
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
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name, which may hold anything, in parentheses.
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<u64> = fields
            .split_whitespace()
            .skip(11)
            .take(7)
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let [user, system, reaped_user, reaped_system, _, _, threads] = *fields.as_slice() else {
            return None;
        };
        Some(Self {
            own: ticks(user + system),
            reaped: ticks(reaped_user + reaped_system),
            threads,
        })
    }
}

/// Linux counts them to programs in hundredths of a second, whatever it counts itself in.
fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(10))
}

/// Memory that is the process's own: what it shares with others would be counted again and again.
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
