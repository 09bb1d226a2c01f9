//! Writes what programs read of "the machine": processors, memory, load and uptime of the run, in the kernel's formats.

use std::fmt::Write;
use std::fs;

use rustix::time::{ClockId, clock_gettime};

/// The processors that a program may use, described once by the launcher.
#[derive(Debug)]
pub(super) struct DescribedProcessors {
    count: usize,
    /// As in `/proc/cpuinfo`.
    description: String,
}

/// The name and the content of a file.
pub(super) type MachineFile = (&'static str, String);

impl DescribedProcessors {
    /// So many processors, which are like the first of this machine.
    pub(super) fn new(count: usize) -> Self {
        let machine = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            count,
            description: describe(&machine, count),
        }
    }

    /// The lists of processors, in `/sys/devices/system/cpu`.
    pub(super) fn lists(&self) -> [MachineFile; 3] {
        let list = match self.count {
            1 => "0\n".to_owned(),
            count => format!("0-{}\n", count - 1),
        };
        ["online", "possible", "present"].map(|name| (name, list.clone()))
    }

    /// The files in `/proc` of a run that begins now and may use this much memory.
    pub(super) fn files(&self, memory_bytes: u64) -> [MachineFile; 5] {
        // Like the clocks, which begin at one second.
        let boot_seconds = clock_gettime(ClockId::Realtime).tv_sec - 1;
        [
            ("cpuinfo", self.description.clone()),
            ("loadavg", "0.00 0.00 0.00 1/1 2\n".to_owned()),
            ("meminfo", memory(memory_bytes / 1024)),
            ("stat", times(self.count, boot_seconds)),
            ("uptime", "1.00 1.00\n".to_owned()),
        ]
    }
}

/// Describes this many processors, all like the machine's first.
fn describe(machine: &str, count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let first = machine.lines().take_while(|line| !line.is_empty());
        for line in first {
            let key = line.split_once(':').map_or(line, |(key, _)| key);
            let own = match key.trim_end() {
                "processor" | "core id" | "apicid" | "initial apicid" => number,
                "siblings" | "cpu cores" => count,
                "physical id" => 0,
                // It changes with the machine's updates and means nothing to programs.
                "microcode" => continue,
                _ => {
                    text.push_str(line);
                    text.push('\n');
                    continue;
                }
            };
            // Writing into a string does not fail.
            let _ = writeln!(text, "{key}: {own}");
        }
        text.push('\n');
    }
    text
}

/// The format of `/proc/meminfo`: all of the memory is free.
fn memory(kib: u64) -> String {
    let used = ["Buffers", "Cached", "SwapCached", "Active", "Inactive"];
    let none = [
        "SwapTotal",
        "SwapFree",
        "Dirty",
        "Writeback",
        "AnonPages",
        "Mapped",
        "Shmem",
        "KReclaimable",
        "Slab",
        "SReclaimable",
        "SUnreclaim",
        "Committed_AS",
    ];
    let all = ["MemTotal", "MemFree", "MemAvailable"].map(|name| (name, kib));
    let zero = used.into_iter().chain(none).map(|name| (name, 0));
    let mut text = String::new();
    for (name, kib) in all.into_iter().chain(zero).chain([("CommitLimit", kib)]) {
        let _ = writeln!(text, "{:16}{kib:>8} kB", format!("{name}:"));
    }
    text
}

/// The format of `/proc/stat`: no processor has done anything yet.
fn times(processors: usize, boot_seconds: i64) -> String {
    let mut text = "cpu  0 0 0 0 0 0 0 0 0 0\n".to_owned();
    for number in 0..processors {
        let _ = writeln!(text, "cpu{number} 0 0 0 0 0 0 0 0 0 0");
    }
    let _ = write!(
        text,
        "intr 0\nctxt 0\nbtime {boot_seconds}\nprocesses 1\nprocs_running 1\nprocs_blocked 0\nsoftirq 0\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_processor_is_described_with_a_number_of_its_own() {
        let machine = "processor\t: 6\nmicrocode\t: 0x1\nmodel name\t: A: B\nsiblings\t: 96\n\nprocessor\t: 7\n";
        let expected = "processor\t: 0\nmodel name\t: A: B\nsiblings\t: 2\n\n\
            processor\t: 1\nmodel name\t: A: B\nsiblings\t: 2\n\n";
        assert_eq!(describe(machine, 2), expected);
    }

    #[test]
    fn memory_is_that_of_the_run() {
        let text = memory(65536);
        assert!(
            text.starts_with("MemTotal:          65536 kB\nMemFree:           65536 kB\n"),
            "{text}"
        );
        assert!(text.contains("\nSwapTotal:             0 kB\n"), "{text}");
    }
}
