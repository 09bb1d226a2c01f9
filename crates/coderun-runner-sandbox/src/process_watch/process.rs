//! Reads what the kernel tells of one process: its CPU time, its threads and its memory.

use std::fs;
use std::time::Duration;

use crate::process_stat::stat_fields;

/// The times and threads of a process.
#[derive(Debug)]
pub(super) struct Process {
    /// The id outside of one of its threads that live, by which its memory can be read.
    pub(super) pid: i32,
    pub(super) own_cpu: Duration,
    /// The CPU time of the children that it has waited for.
    pub(super) reaped_cpu: Duration,
    pub(super) threads: u64,
    /// How often it got a page: a process that writes to memory which it shared gets its own.
    pub(super) page_faults: u64,
}

impl Process {
    /// Reads what is known of a process; `None` if it is gone.
    pub(super) fn read(pid: i32) -> Option<Self> {
        let fields = stat_fields(pid.cast_unsigned())?;
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let threads = number(17)?;
        // Its first thread may have ended before the others, and has no memory then.
        let is_led_by_the_dead = threads > 1 && has_ended(fields.first()?);
        let living = is_led_by_the_dead.then(|| living_thread(pid)).flatten();
        Some(Self {
            pid: living.unwrap_or(pid),
            own_cpu: ticks(number(11)? + number(12)?),
            reaped_cpu: ticks(number(13)? + number(14)?),
            threads,
            page_faults: number(7)?,
        })
    }
}

/// A thread of a process that has not ended.
fn living_thread(pid: i32) -> Option<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let names = tasks.flatten().map(|task| task.file_name());
    let mut ids = names.filter_map(|name| name.to_str()?.parse::<i32>().ok());
    ids.find(|id| {
        let fields = stat_fields(id.cast_unsigned()).unwrap_or_default();
        fields.first().is_some_and(|state| !has_ended(state))
    })
}

fn has_ended(state: &str) -> bool {
    ["Z", "X"].contains(&state)
}

/// The private memory of a process, in bytes; all zero once it has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct ProcessMemory {
    /// Address space, used or not.
    reserved: u64,
    /// Anonymous pages. Those that a fork shares count in full.
    anonymous: u64,
    swapped: u64,
    /// Page tables, which grow with pages that are looked at and never written.
    page_tables: u64,
    /// Pages of files, which are nobody's own.
    pub(super) mapped_files: u64,
}

impl ProcessMemory {
    /// Reads the memory of a process.
    pub(super) fn read(pid: i32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let bytes = |name| kibibytes(&status, name).unwrap_or(0);
        Self {
            reserved: bytes("VmSize:"),
            anonymous: bytes("RssAnon:"),
            swapped: bytes("VmSwap:"),
            page_tables: bytes("VmPTE:"),
            mapped_files: bytes("RssFile:"),
        }
    }

    /// All of it.
    pub(super) fn total_bytes(&self) -> u64 {
        [self.swapped, self.page_tables]
            .into_iter()
            .fold(self.anonymous, u64::saturating_add)
    }

    /// All of it, with pages that a fork shares divided among their users. Takes as long as reading the page tables.
    pub(super) fn proportional_bytes(&self, pid: i32) -> u64 {
        match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            Ok(rollup) => ["Pss_Anon:", "SwapPss:"]
                .into_iter()
                .filter_map(|name| kibibytes(&rollup, name))
                .fold(self.page_tables, u64::saturating_add),
            // It has ended meanwhile, or may not be read: then too much is better than too little.
            Err(_) => Self::read(pid).total_bytes(),
        }
    }
}

/// The number of kibibytes behind a name at the beginning of a line, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(number.saturating_mul(1024))
}

/// Converts clock ticks. Linux reports them in hundredths of a second on every machine.
fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(10))
}
