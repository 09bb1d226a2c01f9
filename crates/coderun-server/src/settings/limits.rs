//! Defines the settings for sizes, times and counts.

use std::time::Duration;

use clap::Args;
use coderun_domain::{
    LimitPolicy, Limits, StageLimits, StorageLimits, StorePolicy, SubmissionPolicy, ZeroLimit,
};

use super::values::{Seconds, Size, positive, positive_u32};

/// Attempts before an execution is given up because its workers are lost.
const ATTEMPTS_MAX: u32 = 3;
/// A worker that does not renew for this long loses its execution; with the poll of the next worker, within 15 s.
const LEASE: Duration = Duration::from_secs(10);
/// Time for one attempt beyond its limits: up to 10 s of waiting for a permit of the runner, then setup and killing.
const RUN_GRACE: Duration = Duration::from_secs(20);

/// Sizes, times and counts.
#[derive(Debug, Clone, Args)]
pub(crate) struct LimitSettings {
    /// Seconds that a record is kept after its last change.
    #[arg(long, default_value = "3600")]
    pub(crate) execution_ttl: Seconds,
    /// The longest request body.
    #[arg(long, default_value = "2MiB")]
    pub(crate) body_max: Size,
    /// The longest code.
    #[arg(long, default_value = "256KiB")]
    pub(crate) code_max: Size,
    /// The longest input, and the longest expected output.
    #[arg(long, default_value = "1MiB")]
    pub(crate) input_max: Size,
    /// The most files of one submission.
    #[arg(long, default_value_t = 50)]
    pub(crate) files_max: usize,
    /// All files of one submission together.
    #[arg(long, default_value = "1MiB")]
    pub(crate) files_total_max: Size,
    /// The most arguments.
    #[arg(long, default_value_t = 64)]
    pub(crate) args_max: usize,
    /// The longest argument.
    #[arg(long, default_value = "4KiB")]
    pub(crate) arg_max: Size,
    /// CPU seconds of a run that asks for none.
    #[arg(long, default_value = "5")]
    pub(crate) cpu_time_default: Seconds,
    /// CPU seconds that a run may ask for.
    #[arg(long, default_value = "15")]
    pub(crate) cpu_time_max: Seconds,
    /// CPU seconds of the compiler.
    #[arg(long, default_value = "15")]
    pub(crate) compile_cpu_time: Seconds,
    /// Wall-clock seconds of a run that asks for none.
    #[arg(long, default_value = "15")]
    pub(crate) wall_time_default: Seconds,
    /// Wall-clock seconds that a run may ask for.
    #[arg(long, default_value = "60")]
    pub(crate) wall_time_max: Seconds,
    /// Wall-clock seconds of an interactive run that asks for none, and the most that it may ask for.
    #[arg(long, default_value = "300")]
    pub(crate) interactive_wall_time: Seconds,
    /// Wall-clock seconds of the compiler.
    #[arg(long, default_value = "30")]
    pub(crate) compile_wall_time: Seconds,
    /// Memory of a run that asks for none.
    #[arg(long, default_value = "256MiB")]
    pub(crate) memory_default: Size,
    /// Memory that a run may ask for.
    #[arg(long, default_value = "1GiB")]
    pub(crate) memory_max: Size,
    /// Memory of the compiler.
    #[arg(long, default_value = "1GiB")]
    pub(crate) compile_memory: Size,
    /// Output kept of each stream of a run that asks for none.
    #[arg(long, default_value = "1MiB")]
    pub(crate) output_default: Size,
    /// Output of each stream that a run may ask for.
    #[arg(long, default_value = "4MiB")]
    pub(crate) output_max: Size,
    /// Processes and threads of a run, and the most that it may ask for.
    #[arg(long, default_value_t = 64, value_parser = positive_u32)]
    pub(crate) processes_max: u32,
    /// Open files of one process.
    #[arg(long, default_value_t = 256, value_parser = positive_u32)]
    pub(crate) open_files_max: u32,
    /// The size of one file that a program writes.
    #[arg(long, default_value = "16MiB")]
    pub(crate) file_size_max: Size,
    /// All files that a program writes.
    #[arg(long, default_value = "64MiB")]
    pub(crate) disk_max: Size,
    /// Pending executions of all users.
    #[arg(long, default_value_t = 10_000, value_parser = positive_u32)]
    pub(crate) pending_max: u32,
    /// Pending executions of one user.
    #[arg(long, default_value_t = 100, value_parser = positive_u32)]
    pub(crate) user_pending_max: u32,
    /// Executions of one user that run at a time; the others wait.
    #[arg(long, default_value_t = 8, value_parser = positive_u32)]
    pub(crate) user_running_max: u32,
    /// Submissions of one user in a minute; 0 means no bound.
    #[arg(long, default_value_t = 120)]
    pub(crate) user_submits_per_minute: u32,
    /// Seconds that an execution may wait for a worker.
    #[arg(long, default_value = "600")]
    pub(crate) queue_deadline: Seconds,
    /// Memory for submissions that are not final.
    #[arg(long, default_value = "256MiB")]
    pub(crate) live_bytes_max: Size,
    /// Memory for final records; the oldest are deleted to make room.
    #[arg(long, default_value = "256MiB")]
    pub(crate) final_bytes_max: Size,
    /// Open sockets of all users.
    #[arg(long, default_value_t = 20_000, value_parser = positive)]
    pub(crate) sockets_max: usize,
    /// Open sockets of one user.
    #[arg(long, default_value_t = 50, value_parser = positive)]
    pub(crate) user_sockets_max: usize,
}

impl LimitSettings {
    /// The limits of submissions.
    pub(crate) fn submission_policy(&self) -> Result<SubmissionPolicy, ZeroLimit> {
        Ok(SubmissionPolicy {
            code_max: self.code_max.bytes(),
            input_max: self.input_max.bytes(),
            args_max: self.args_max,
            arg_max: self.arg_max.bytes(),
            files_max: self.files_max,
            files_total_max: self.files_total_max.bytes(),
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
            interactive_wall_time: Some(self.interactive_wall_time.duration()),
        })
    }

    fn limits(
        &self,
        cpu_time: Seconds,
        wall_time: Seconds,
        memory: Size,
        output: Size,
    ) -> Result<Limits, ZeroLimit> {
        let stage = |cpu: Seconds, wall: Seconds, memory: Size| {
            StageLimits::new(
                cpu.duration(),
                wall.duration(),
                memory.bytes(),
                self.processes_max,
            )
        };
        Ok(Limits {
            run: stage(cpu_time, wall_time, memory)?,
            compile: stage(
                self.compile_cpu_time,
                self.compile_wall_time,
                self.compile_memory,
            )?,
            storage: StorageLimits::new(
                output.bytes(),
                self.file_size_max.bytes(),
                self.disk_max.bytes(),
                self.open_files_max,
            )?,
        })
    }

    /// The names of the first default that is above its maximum, and of that maximum.
    pub(crate) fn default_above_maximum(&self) -> Option<(&'static str, &'static str)> {
        let pairs = [
            (
                self.cpu_time_default.duration() > self.cpu_time_max.duration(),
                ("CPU_TIME_DEFAULT", "CPU_TIME_MAX"),
            ),
            (
                self.wall_time_default.duration() > self.wall_time_max.duration(),
                ("WALL_TIME_DEFAULT", "WALL_TIME_MAX"),
            ),
            (
                self.memory_default.bytes() > self.memory_max.bytes(),
                ("MEMORY_DEFAULT", "MEMORY_MAX"),
            ),
            (
                self.output_default.bytes() > self.output_max.bytes(),
                ("OUTPUT_DEFAULT", "OUTPUT_MAX"),
            ),
        ];
        let above = pairs.into_iter().find(|(is_above, _)| *is_above);
        above.map(|(_, names)| names)
    }

    /// The limits of the store.
    pub(crate) const fn store_policy(&self) -> StorePolicy {
        StorePolicy {
            retention: self.execution_ttl.duration(),
            pending_max: self.pending_max,
            user_pending_max: self.user_pending_max,
            user_running_max: self.user_running_max,
            user_submits_per_minute: self.user_submits_per_minute,
            live_bytes_max: self.live_bytes_max.bytes(),
            queue_deadline: self.queue_deadline.duration(),
            lease: LEASE,
            attempts_max: ATTEMPTS_MAX,
            run_grace: RUN_GRACE,
        }
    }
}
