//! Reads the CPU time and memory of processes, and what Redis counts.

use std::fs;

use coderun_redis_fixture::RedisServer;

/// The microseconds that a process has used so far, by the kernel's nanosecond clock. Threads that have ended are missing: the server ends
/// none while it is measured.
pub(crate) fn cpu_micros(process: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("a process");
    let used = threads.map(|thread| {
        let path = thread.expect("a thread").path().join("schedstat");
        let stat = fs::read_to_string(path).unwrap_or_default();
        let nanoseconds = stat.split(' ').next().unwrap_or_default();
        nanoseconds.parse::<f64>().unwrap_or_default() / 1e3
    });
    used.sum()
}

/// The resident memory of a process.
pub(crate) fn resident_bytes(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a status");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.expect("a size").parse::<f64>().expect("a number") * 1024.0
}

/// What Redis has used and counted so far.
#[derive(Default)]
pub(crate) struct RedisUse {
    pub(crate) cpu_micros: f64,
    /// Scripts that clients called.
    pub(crate) scripts: f64,
    /// Commands of clients and of scripts.
    pub(crate) commands: f64,
    pub(crate) bytes: f64,
}

impl RedisUse {
    pub(crate) fn read(redis: &RedisServer) -> Self {
        let number = |name: &str| redis.info(name).expect("a line of INFO");
        let process = number("process_id").parse().expect("a process");
        let bytes = number("used_memory").parse().expect("a size");
        let statistics = redis.command(&["INFO", "commandstats"]).text();
        let counts: Vec<(&str, f64)> = statistics.lines().filter_map(count).collect();
        let sum = |is_counted: fn(&str) -> bool| {
            let counted = counts.iter().filter(|(name, _)| is_counted(name));
            counted.map(|(_, calls)| calls).sum()
        };
        Self {
            cpu_micros: cpu_micros(process),
            scripts: sum(|name| name == "evalsha" || name == "eval"),
            // Reading this costs an `INFO` each time.
            commands: sum(|name| name != "info"),
            bytes,
        }
    }
}

/// Reads a line such as `cmdstat_get:calls=7,usec=9`.
fn count(line: &str) -> Option<(&str, f64)> {
    let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
    let (calls, _) = rest.split_once(',')?;
    Some((name, calls.parse().ok()?))
}
