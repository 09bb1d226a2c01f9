//! Judges a stage: derives verdict, exit status and usage from what the kernel counted.

use std::time::Duration;

use coderun_domain::{ByteSize, ExitStatus, Signal, StageLimits, Usage, Verdict};

use super::refused_resource::{Resource, refused_resource};
use super::stage_end::StageEnd;
use super::stage_signals::StopReason;
use super::stderr_tail::StderrTail;
use crate::cgroup::GroupUsage;

/// The verdict on a stage, its exit status and its usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) exit_status: ExitStatus,
    pub(super) usage: Usage,
    /// What verdict and exit status do not tell.
    pub(super) hint: Option<&'static str>,
}

/// Why a program that keeps within all its limits was killed.
const NOT_FROZEN: &str =
    "The program waited for input and was stopped for others, but continued itself";

/// Judges a stage by why it was stopped, by what its group counted, and last by how it ended and what it said at its end.
pub(super) fn judge(
    end: &StageEnd,
    counted: GroupUsage,
    limits: &StageLimits,
    stderr: &StderrTail,
) -> Judgement {
    let usage = usage(end, counted, limits);
    let exit_status = exit_status(end);
    let verdict = match end.stopped {
        Some(StopReason::Cancelled) => Verdict::Cancelled,
        Some(StopReason::Output) => Verdict::OutputLimit,
        // A program that dies of one limit may reach another a moment before: what was counted is the cause.
        _ if counted.memory_kills > 0 || end.sampled.memory_kills > 0 => Verdict::MemoryLimit,
        _ if counted.processes_refused > 0 || end.sampled.processes_refused > 0 => {
            Verdict::ProcessLimit
        }
        Some(StopReason::CpuTime | StopReason::WallTime) => Verdict::TimeLimit,
        Some(StopReason::Memory) => Verdict::MemoryLimit,
        Some(StopReason::Processes) => Verdict::ProcessLimit,
        Some(StopReason::NotFrozen) => Verdict::RuntimeError,
        None if usage.cpu_time.is_some_and(|cpu| cpu >= limits.cpu_time()) => Verdict::TimeLimit,
        None => match refused_resource(exit_status, &stderr.text(), is_mixed(end)) {
            Some(Resource::Memory) => Verdict::MemoryLimit,
            // A group counts what it refuses.
            Some(Resource::Process) if counted.cpu.is_none() => Verdict::ProcessLimit,
            Some(Resource::Process) | None => by_exit_status(exit_status),
        },
    };
    Judgement {
        verdict,
        exit_status,
        usage,
        hint: (end.stopped == Some(StopReason::NotFrozen)).then_some(NOT_FROZEN),
    }
}

/// Whether the last lines of the program may be those of several processes that wrote at once.
fn is_mixed(end: &StageEnd) -> bool {
    end.program.is_some_and(|it| it.has_left_processes)
}

fn by_exit_status(exit_status: ExitStatus) -> Verdict {
    match exit_status {
        ExitStatus::Exited(0) => Verdict::Accepted,
        ExitStatus::Signaled(signal) if signal.number() == libc::SIGSYS => {
            Verdict::SecurityViolation
        }
        ExitStatus::Exited(_) | ExitStatus::Signaled(_) => Verdict::RuntimeError,
    }
}

fn exit_status(end: &StageEnd) -> ExitStatus {
    // Without a report the first process was killed, and the program with it.
    let Some(program) = end.program else {
        return ExitStatus::Signaled(Signal::KILL);
    };
    if libc::WIFSIGNALED(program.wait_status) {
        ExitStatus::Signaled(Signal::from_number(libc::WTERMSIG(program.wait_status)))
    } else {
        ExitStatus::Exited(libc::WEXITSTATUS(program.wait_status))
    }
}

fn usage(end: &StageEnd, counted: GroupUsage, limits: &StageLimits) -> Usage {
    let program = end.program;
    let setup = program.map_or(Duration::ZERO, |it| it.setup_cpu);
    let reaped = program.map(|it| it.cpu);
    let largest = program.map(|it| it.peak_bytes);
    // The kernel has refused the next page, also where the last look was long before.
    let full = (counted.memory_kills > 0).then(|| limits.memory().as_bytes());
    let wall = program.map_or(end.wall, |it| it.wall);
    Usage {
        cpu_time: counted
            .cpu
            .map(|cpu| cpu.saturating_sub(setup))
            .or(end.sampled.cpu.max(reaped)),
        wall_time: Some(wall),
        memory: full
            .or(end.sampled.memory_bytes.max(largest))
            .map(ByteSize::from_bytes),
    }
}

#[cfg(test)]
mod tests;
