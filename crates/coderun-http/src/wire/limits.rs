//! Encodes limits, with the unit in every name.

use coderun_domain::Limits;
use serde::Serialize;

use super::format::millis;

#[derive(Debug, Serialize)]
pub(super) struct WireLimits {
    cpu_time_ms: u64,
    wall_time_ms: u64,
    memory_bytes: u64,
    processes: u32,
    output_bytes: u64,
    open_files: u32,
    file_size_bytes: u64,
    disk_bytes: u64,
    compile_cpu_time_ms: u64,
    compile_wall_time_ms: u64,
    compile_memory_bytes: u64,
    compile_processes: u32,
}

impl From<&Limits> for WireLimits {
    fn from(limits: &Limits) -> Self {
        let Limits {
            run,
            compile,
            storage,
        } = limits;
        Self {
            cpu_time_ms: millis(run.cpu_time()),
            wall_time_ms: millis(run.wall_time()),
            memory_bytes: run.memory().as_bytes(),
            processes: run.processes(),
            output_bytes: storage.output().as_bytes(),
            open_files: storage.open_files(),
            file_size_bytes: storage.file_size().as_bytes(),
            disk_bytes: storage.disk().as_bytes(),
            compile_cpu_time_ms: millis(compile.cpu_time()),
            compile_wall_time_ms: millis(compile.wall_time()),
            compile_memory_bytes: compile.memory().as_bytes(),
            compile_processes: compile.processes(),
        }
    }
}
