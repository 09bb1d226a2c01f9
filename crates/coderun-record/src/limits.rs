//! Stores limits.

use std::time::Duration;

use coderun_domain::{ByteSize, Limits, StageLimits, StorageLimits, ZeroLimit};
use serde::{Deserialize, Serialize};

use crate::duration_micros;

/// The limits of a program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LimitsRecord {
    run: StageRecord,
    compile: StageRecord,
    output_bytes: u64,
    file_size_bytes: u64,
    disk_bytes: u64,
    open_files: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct StageRecord {
    cpu_time_us: u64,
    wall_time_us: u64,
    memory_bytes: u64,
    processes: u32,
}

impl From<&Limits> for LimitsRecord {
    fn from(limits: &Limits) -> Self {
        Self {
            run: StageRecord::from(&limits.run),
            compile: StageRecord::from(&limits.compile),
            output_bytes: limits.storage.output().as_bytes(),
            file_size_bytes: limits.storage.file_size().as_bytes(),
            disk_bytes: limits.storage.disk().as_bytes(),
            open_files: limits.storage.open_files(),
        }
    }
}

impl LimitsRecord {
    pub(crate) fn decode(&self) -> Result<Limits, ZeroLimit> {
        Ok(Limits {
            run: self.run.decode()?,
            compile: self.compile.decode()?,
            storage: StorageLimits::new(
                ByteSize::from_bytes(self.output_bytes),
                ByteSize::from_bytes(self.file_size_bytes),
                ByteSize::from_bytes(self.disk_bytes),
                self.open_files,
            )?,
        })
    }
}

impl From<&StageLimits> for StageRecord {
    fn from(limits: &StageLimits) -> Self {
        Self {
            cpu_time_us: duration_micros(limits.cpu_time()).unsigned_abs(),
            wall_time_us: duration_micros(limits.wall_time()).unsigned_abs(),
            memory_bytes: limits.memory().as_bytes(),
            processes: limits.processes(),
        }
    }
}

impl StageRecord {
    fn decode(&self) -> Result<StageLimits, ZeroLimit> {
        StageLimits::new(
            Duration::from_micros(self.cpu_time_us),
            Duration::from_micros(self.wall_time_us),
            ByteSize::from_bytes(self.memory_bytes),
            self.processes,
        )
    }
}
