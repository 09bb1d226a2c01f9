//! Defines the settings for sizes, times and counts.

use std::time::Duration;

use clap::Args;
use coderun_domain::{
    ByteSize, LimitPolicy, Limits, StageLimits, StorageLimits, StorePolicy, SubmissionPolicy,
    ZeroLimit,
};

use super::values::{seconds, size, size_within, whole};
use crate::compose::values::MEMORY_WAIT;

/// Attempts before an execution is given up because its workers are lost.
const ATTEMPTS_MAX: u32 = 3;
/// A worker that does not renew for this long loses its execution; with the poll of the next worker, within 15 s.
const LEASE: Duration = Duration::from_secs(10);
/// Time for one attempt beyond its limits: for waiting for memory, and then 10 s for a permit of the runner, and for setup and
/// killing.
const RUN_GRACE: Duration = MEMORY_WAIT.saturating_add(Duration::from_secs(20));

/// The longest argument that Linux passes to a program, less the byte that ends it.
const ARGUMENT_BYTES_MAX: u64 = (128 << 10) - 1;
/// With less memory no program starts.
const MEMORY_LEAST: u64 = 1 << 20;
/// 1 TiB.
const MEMORY_MOST: u64 = 1 << 40;

/// Sizes, times and counts.
#[derive(Debug, Clone, Args)]
pub(crate) struct LimitSettings {
    /// Seconds that a record is kept after its last change.
    #[arg(long, default_value = "3600", value_parser = seconds)]
    pub(crate) execution_ttl: Duration,
    /// The longest request body.
    #[arg(long, default_value = "2MiB", value_parser = size_within::<0x400, 0x4000_0000>)]
    pub(crate) body_max: ByteSize,
    /// The longest code.
    #[arg(long, default_value = "256KiB", value_parser = size_within::<1, 0x4000_0000>)]
    pub(crate) code_max: ByteSize,
    /// The longest input, and the longest expected output.
    #[arg(long, default_value = "1MiB", value_parser = size_within::<1, 0x4000_0000>)]
    pub(crate) input_max: ByteSize,
    /// The most files of one submission.
    #[arg(long, default_value_t = 50, value_parser = whole::<0, 10_000, usize>)]
    pub(crate) files_max: usize,
    /// All files of one submission together.
    #[arg(long, default_value = "1MiB", value_parser = size_within::<1, 0x4000_0000>)]
    pub(crate) files_total_max: ByteSize,
    /// The most arguments.
    #[arg(long, default_value_t = 64, value_parser = whole::<0, 10_000, usize>)]
    pub(crate) args_max: usize,
    /// The longest argument.
    #[arg(long, default_value = "4KiB", value_parser = size_within::<1, ARGUMENT_BYTES_MAX>)]
    pub(crate) arg_max: ByteSize,
    /// CPU seconds of a run that asks for none.
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(crate) cpu_time_default: Duration,
    /// CPU seconds that a run may ask for.
    #[arg(long, default_value = "15", value_parser = seconds)]
    pub(crate) cpu_time_max: Duration,
    /// CPU seconds of the compiler.
    #[arg(long, default_value = "15", value_parser = seconds)]
    pub(crate) compile_cpu_time: Duration,
    /// Wall-clock seconds of a run that asks for none.
    #[arg(long, default_value = "15", value_parser = seconds)]
    pub(crate) wall_time_default: Duration,
    /// Wall-clock seconds that a run may ask for.
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub(crate) wall_time_max: Duration,
    /// Wall-clock seconds of an interactive run that asks for none, and the most that it may ask for.
    #[arg(long, default_value = "300", value_parser = seconds)]
    pub(crate) interactive_wall_time: Duration,
    /// Interactive executions of a worker that occupy no place while their programs wait for a person; more of them keep their places.
    #[arg(long, default_value_t = 64, value_parser = whole::<0, 10_000, usize>)]
    pub(crate) interactive_max: usize,
    /// The same of one user.
    #[arg(long, default_value_t = 4, value_parser = whole::<0, 10_000, usize>)]
    pub(crate) user_interactive_max: usize,
    /// Seconds after which an execution whose program waits for a person is ended if nobody watches it.
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub(crate) interactive_idle: Duration,
    /// Wall-clock seconds of the compiler.
    #[arg(long, default_value = "30", value_parser = seconds)]
    pub(crate) compile_wall_time: Duration,
    /// Memory of a run that asks for none.
    #[arg(long, default_value = "256MiB", value_parser = size_within::<MEMORY_LEAST, MEMORY_MOST>)]
    pub(crate) memory_default: ByteSize,
    /// Memory that a run may ask for.
    #[arg(long, default_value = "1GiB", value_parser = size_within::<MEMORY_LEAST, MEMORY_MOST>)]
    pub(crate) memory_max: ByteSize,
    /// Memory of the compiler.
    #[arg(long, default_value = "1GiB", value_parser = size_within::<MEMORY_LEAST, MEMORY_MOST>)]
    pub(crate) compile_memory: ByteSize,
    /// Output kept of each stream of a run that asks for none.
    #[arg(long, default_value = "1MiB", value_parser = size_within::<1, 0x4000_0000>)]
    pub(crate) output_default: ByteSize,
    /// Output of each stream that a run may ask for.
    #[arg(long, default_value = "4MiB", value_parser = size_within::<1, 0x4000_0000>)]
    pub(crate) output_max: ByteSize,
    /// Processes and threads of a run, and the most that it may ask for.
    #[arg(long, default_value_t = 64, value_parser = whole::<1, 4_194_304, u32>)]
    pub(crate) processes_max: u32,
    /// Open files of one process.
    #[arg(long, default_value_t = 256, value_parser = whole::<16, 1_048_576, u32>)]
    pub(crate) open_files_max: u32,
    /// The size of one file that a program writes.
    #[arg(long, default_value = "16MiB", value_parser = size)]
    pub(crate) file_size_max: ByteSize,
    /// All files that a program writes.
    #[arg(long, default_value = "64MiB", value_parser = size)]
    pub(crate) disk_max: ByteSize,
    /// Pending executions of all users.
    #[arg(long, default_value_t = 10_000, value_parser = whole::<1, 10_000_000, u32>)]
    pub(crate) pending_max: u32,
    /// Pending executions of one user.
    #[arg(long, default_value_t = 100, value_parser = whole::<1, 10_000_000, u32>)]
    pub(crate) user_pending_max: u32,
    /// Executions of one user that run at a time, those whose programs wait for a person included; the others wait.
    /// Default: as many as the worker runs, at least 8; an `api` leaves it to the workers.
    #[arg(long, value_parser = whole::<1, 1_000_000, u32>)]
    pub(crate) user_running_max: Option<u32>,
    /// Submissions of one user in a minute; 0 means no bound.
    #[arg(long, default_value_t = 120, value_parser = whole::<0, 1_000_000, u32>)]
    pub(crate) user_submits_per_minute: u32,
    /// Seconds that an execution may wait for a worker.
    #[arg(long, default_value = "600", value_parser = seconds)]
    pub(crate) queue_deadline: Duration,
    /// Seconds that an execution may wait while no worker announces its language.
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub(crate) no_worker_seconds: Duration,
    /// Memory for submissions that are not final.
    #[arg(long, default_value = "256MiB", value_parser = size_within::<MEMORY_LEAST, MEMORY_MOST>)]
    pub(crate) live_bytes_max: ByteSize,
    /// Memory for final records; the oldest are deleted to make room.
    #[arg(long, default_value = "256MiB", value_parser = size_within::<MEMORY_LEAST, MEMORY_MOST>)]
    pub(crate) final_bytes_max: ByteSize,
    /// Open sockets of all users.
    #[arg(long, default_value_t = 20_000, value_parser = whole::<1, 1_000_000, usize>)]
    pub(crate) sockets_max: usize,
    /// Open files that connections leave to programs, storage and health checks; raised to what the worker's programs may need.
    #[arg(long, default_value_t = 1_024, value_parser = whole::<0, 1_000_000, usize>)]
    pub(crate) open_files_reserve: usize,
    /// Open sockets of one user.
    #[arg(long, default_value_t = 50, value_parser = whole::<1, 1_000_000, usize>)]
    pub(crate) user_sockets_max: usize,
}

impl LimitSettings {
    /// The limits of submissions.
    pub(crate) fn submission_policy(&self) -> Result<SubmissionPolicy, ZeroLimit> {
        Ok(SubmissionPolicy {
            code_max: self.code_max,
            input_max: self.input_max,
            args_max: self.args_max,
            arg_max: self.arg_max,
            files_max: self.files_max,
            files_total_max: self.files_total_max,
            limits: LimitPolicy::new(
                self.limits(
                    self.cpu_time_default,
                    self.wall_time_default,
                    self.memory_default,
                    self.output_default,
                )?,
                self.limits(
                    self.cpu_time_max,
                    self.wall_time_max,
                    self.memory_max,
                    self.output_max,
                )?,
            ),
            interactive_wall_time: Some(self.interactive_wall_time),
        })
    }

    fn limits(
        &self,
        cpu_time: Duration,
        wall_time: Duration,
        memory: ByteSize,
        output: ByteSize,
    ) -> Result<Limits, ZeroLimit> {
        Ok(Limits {
            run: StageLimits::new(cpu_time, wall_time, memory, self.processes_max)?,
            compile: StageLimits::new(
                self.compile_cpu_time,
                self.compile_wall_time,
                self.compile_memory,
                self.processes_max,
            )?,
            storage: StorageLimits::new(
                output,
                self.file_size_max,
                self.disk_max,
                self.open_files_max,
            )?,
        })
    }

    /// The time between two notes that an interactive execution is watched.
    pub(crate) fn watcher_interval(&self) -> Duration {
        self.interactive_idle / 4
    }

    /// The name of the first limit whose default is above its maximum.
    pub(crate) fn default_above_maximum(&self) -> Option<&'static str> {
        let limits = [
            (self.cpu_time_default > self.cpu_time_max, "CPU_TIME"),
            (self.wall_time_default > self.wall_time_max, "WALL_TIME"),
            (self.memory_default > self.memory_max, "MEMORY"),
            (self.output_default > self.output_max, "OUTPUT"),
        ];
        let above = limits.into_iter().find(|(is_above, _)| *is_above);
        above.map(|(_, limit)| limit)
    }

    /// The limits of the store, with this bound on what a user runs unless the settings have one.
    pub(super) const fn store_policy(&self, user_running_max: u32) -> StorePolicy {
        StorePolicy {
            retention: self.execution_ttl,
            pending_max: self.pending_max,
            user_pending_max: self.user_pending_max,
            user_running_max: match self.user_running_max {
                Some(max) => max,
                None => user_running_max,
            },
            user_submits_per_minute: self.user_submits_per_minute,
            live_bytes_max: self.live_bytes_max,
            queue_deadline: self.queue_deadline,
            no_worker_deadline: self.no_worker_seconds,
            lease: LEASE,
            attempts_max: ATTEMPTS_MAX,
            run_grace: RUN_GRACE,
        }
    }
}
