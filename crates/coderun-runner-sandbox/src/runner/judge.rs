//! From what the kernel counted to what is said about a program.

use std::time::Duration;

use coderun_domain::{ByteSize, Ending, Signal, StageLimits, Usage, Verdict};

use super::supervise::{StageEnd, StopReason};
use crate::cgroup::GroupUsage;

/// What is said about a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
}

/// Judges a stage by why it was stopped, by what its group counted, and last by how it ended.
pub(super) fn judge(end: &StageEnd, counted: GroupUsage, limits: &StageLimits) -> Judgement {
    let usage = usage(end, counted);
    let ending = ending(end);
    let verdict = match end.stopped {
        Some(StopReason::Cancelled) => Verdict::Cancelled,
        Some(StopReason::Output) => Verdict::OutputLimit,
        // A program that dies of one limit may be seen at another a moment before: what was counted is the cause.
        _ if counted.memory_kills > 0 || end.seen.memory_kills > 0 => Verdict::MemoryLimit,
        _ if counted.processes_refused > 0 || end.seen.processes_refused > 0 => {
            Verdict::ProcessLimit
        }
        Some(StopReason::CpuTime | StopReason::WallTime) => Verdict::TimeLimit,
        Some(StopReason::Memory) => Verdict::MemoryLimit,
        Some(StopReason::Processes) => Verdict::ProcessLimit,
        None if usage.cpu_time.is_some_and(|cpu| cpu >= limits.cpu_time()) => Verdict::TimeLimit,
        None => by_ending(ending),
    };
    Judgement {
        verdict,
        ending,
        usage,
    }
}

fn by_ending(ending: Ending) -> Verdict {
    match ending {
        Ending::Exited(0) => Verdict::Accepted,
        Ending::Signaled(signal) if signal.number() == libc::SIGXCPU => Verdict::TimeLimit,
        Ending::Signaled(signal) if signal.number() == libc::SIGSYS => Verdict::SecurityViolation,
        Ending::Exited(_) | Ending::Signaled(_) => Verdict::RuntimeError,
    }
}

fn ending(end: &StageEnd) -> Ending {
    // Without a report the first process was killed, and the program with it.
    let Some(done) = end.done else {
        return Ending::Signaled(Signal::KILL);
    };
    if libc::WIFSIGNALED(done.wait_status) {
        Ending::Signaled(Signal::from_number(libc::WTERMSIG(done.wait_status)))
    } else {
        Ending::Exited(libc::WEXITSTATUS(done.wait_status))
    }
}

fn usage(end: &StageEnd, counted: GroupUsage) -> Usage {
    let setup = end.done.map_or(Duration::ZERO, |done| {
        Duration::from_nanos(done.setup_cpu_ns)
    });
    let reaped = end.done.map(|done| Duration::from_nanos(done.cpu_ns));
    let peak_bytes = end.done.map(|done| done.peak_bytes);
    let wall = end
        .done
        .map_or(end.wall, |done| Duration::from_nanos(done.wall_ns));
    Usage {
        cpu_time: counted
            .cpu
            .map(|cpu| cpu.saturating_sub(setup))
            .or(end.seen.cpu.max(reaped)),
        wall_time: Some(wall),
        memory: counted
            .peak_bytes
            .or(end.seen.peak_bytes.max(peak_bytes))
            .map(ByteSize::from_bytes),
    }
}

#[cfg(test)]
mod tests;
