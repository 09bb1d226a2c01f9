//! Holds the limits that a Piston server is configured with.

use std::time::Duration;

use coderun_domain::ByteSize;

/// The limits of a Piston server. The defaults are those of a stock Piston.
///
/// A server with lower limits refuses programs; one with higher limits is not used to the full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PistonConfig {
    /// The largest request, as JSON. Default: 100 KiB. Piston has no setting for it.
    pub body_max: ByteSize,
    /// What it keeps of each stream, `PISTON_OUTPUT_MAX_SIZE`. Default: 1 KiB.
    pub output_max: ByteSize,
    /// `PISTON_RUN_TIMEOUT`. Default: 3 s.
    pub run_timeout: Duration,
    /// `PISTON_RUN_CPU_TIME`. Default: 3 s.
    pub run_cpu_time: Duration,
    /// `PISTON_RUN_MEMORY_LIMIT`. Default: none.
    pub run_memory: Option<ByteSize>,
    /// `PISTON_COMPILE_TIMEOUT`. Default: 10 s.
    pub compile_timeout: Duration,
    /// `PISTON_COMPILE_CPU_TIME`. Default: 10 s.
    pub compile_cpu_time: Duration,
    /// `PISTON_COMPILE_MEMORY_LIMIT`. Default: none.
    pub compile_memory: Option<ByteSize>,
}

impl Default for PistonConfig {
    fn default() -> Self {
        Self {
            body_max: ByteSize::from_kib(100),
            output_max: ByteSize::from_kib(1),
            run_timeout: Duration::from_secs(3),
            run_cpu_time: Duration::from_secs(3),
            run_memory: None,
            compile_timeout: Duration::from_secs(10),
            compile_cpu_time: Duration::from_secs(10),
            compile_memory: None,
        }
    }
}
