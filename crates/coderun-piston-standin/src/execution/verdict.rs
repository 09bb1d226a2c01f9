//! From what the sandbox reports to what Isolate and Piston say.

use std::time::Duration;

use coderun_domain::{ByteSize, Ending, OutputStream, Signal, Usage, Verdict};

use super::capture::{Capture, Captured};
use super::shell;
use crate::SignalReport;
use crate::job::StageBounds;
use crate::runtime::{Package, Runtime};
use crate::stage::StageResult;

/// How a stage ended, in the sandbox's words.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageEnd {
    pub(super) verdict: Verdict,
    pub(super) ending: Ending,
    pub(super) usage: Usage,
}

/// How a stage ended, in Isolate's words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    code: Option<i32>,
    signal: Option<String>,
    status: Option<&'static str>,
    message: Option<String>,
}

/// The result of a run stage.
pub(super) fn run_result(
    end: StageEnd,
    mut capture: Capture,
    bounds: &StageBounds,
    place: (&Runtime, &Package, SignalReport),
) -> StageResult {
    let (runtime, package, signals) = place;
    let words = match (how(end.verdict), end.ending, signals) {
        (How::TimedOut, _, _) => timeout(&end.usage, bounds),
        // With Isolate goes the shell.
        (How::Killed, _, _) => Words::default(),
        (How::Ended, Ending::Exited(code), _) => exited(code),
        (How::Ended, Ending::Signaled(signal), SignalReport::Signal) => signaled(signal),
        (How::Ended, Ending::Signaled(signal), SignalReport::ExitCode) => {
            if let Some(line) = shell::obituary(runtime, package, signal.number()) {
                capture.take(OutputStream::Stderr, line.as_bytes());
            }
            exited(128_i32.saturating_add(signal.number()))
        }
    };
    result(words, capture.finish(), end.usage)
}

/// The result of a compile stage.
pub(super) fn compile_result(
    end: StageEnd,
    mut capture: Capture,
    bounds: &StageBounds,
) -> StageResult {
    let words = match how(end.verdict) {
        How::TimedOut => timeout(&end.usage, bounds),
        How::Killed => Words::default(),
        How::Ended if capture.is_exceeded() => Words::default(),
        How::Ended if end.verdict == Verdict::Accepted => exited(0),
        // Whatever the compiler died of, the script goes on, and its last command fails with 1.
        How::Ended => {
            capture.take(OutputStream::Stderr, shell::NOTHING_BUILT.as_bytes());
            exited(1)
        }
    };
    result(words, capture.finish(), end.usage)
}

/// What Isolate sees of the end of a stage.
enum How {
    /// It ended, however that came.
    Ended,
    /// Isolate ended it after its time.
    TimedOut,
    /// Piston ended Isolate, and all with it.
    Killed,
}

const fn how(verdict: Verdict) -> How {
    match verdict {
        Verdict::TimeLimit => How::TimedOut,
        Verdict::Cancelled => How::Killed,
        Verdict::Accepted
        | Verdict::WrongAnswer
        | Verdict::CompileError
        | Verdict::RuntimeError
        | Verdict::MemoryLimit
        | Verdict::OutputLimit
        | Verdict::ProcessLimit
        | Verdict::SecurityViolation
        | Verdict::Rejected
        | Verdict::InternalError => How::Ended,
    }
}

fn exited(code: i32) -> Words {
    Words {
        code: Some(code),
        status: (code != 0).then_some("RE"),
        message: (code != 0).then(|| format!("Exited with error status {code}")),
        ..Words::default()
    }
}

fn signaled(signal: Signal) -> Words {
    Words {
        signal: Some(signal.to_string()),
        status: Some("SG"),
        message: Some(format!("Caught fatal signal {}", signal.number())),
        ..Words::default()
    }
}

/// Isolate looks at the clock first, and kills without leaving a code.
fn timeout(usage: &Usage, bounds: &StageBounds) -> Words {
    let reached = |used: Option<Duration>, limit: Option<Duration>| {
        used.zip(limit).is_some_and(|(used, limit)| used >= limit)
    };
    let message = if reached(usage.wall_time, bounds.timeout) {
        "Time limit exceeded (wall clock)"
    } else {
        "Time limit exceeded"
    };
    Words {
        status: Some("TO"),
        message: Some(message.to_owned()),
        ..Words::default()
    }
}

fn result(words: Words, captured: Captured, usage: Usage) -> StageResult {
    let words = overruled(words, captured.exceeded);
    StageResult {
        signal: words.signal,
        stdout: captured.stdout,
        stderr: captured.stderr,
        code: words.code,
        output: captured.output,
        memory: usage.memory.map(as_isolate_counts),
        message: words.message,
        status: words.status.map(str::to_owned),
        cpu_time_ms: usage.cpu_time.map(as_javascript_parses),
        wall_time_ms: usage.wall_time.map(as_javascript_parses),
    }
}

/// Output beyond the cap comes before whatever else is said, but for the exit code of a program that was faster than
/// its death. With some words the signal is always the same.
fn overruled(words: Words, exceeded: Option<OutputStream>) -> Words {
    let words = match exceeded {
        None => words,
        Some(stream) => Words {
            status: Some(match stream {
                OutputStream::Stdout => "OL",
                OutputStream::Stderr => "EL",
            }),
            message: Some(format!("{} length exceeded", stream.as_str())),
            ..words
        },
    };
    match words.status {
        Some("TO" | "OL" | "EL") => Words {
            signal: Some(Signal::KILL.to_string()),
            ..words
        },
        _ => words,
    }
}

/// Isolate tells KiB, which Piston takes for thousands of bytes.
const fn as_isolate_counts(memory: ByteSize) -> u64 {
    memory.as_bytes() / 1024 * 1000
}

/// Isolate prints seconds with three digits, which Piston multiplies by a thousand.
fn as_javascript_parses(time: Duration) -> f64 {
    let printed = format!("{}.{:03}", time.as_secs(), time.subsec_millis());
    printed.parse::<f64>().unwrap_or_default() * 1000.0
}

#[cfg(test)]
mod tests;
