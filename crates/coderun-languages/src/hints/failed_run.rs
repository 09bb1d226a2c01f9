//! Gathers the facts about a run that failed.

use std::borrow::Cow;

use coderun_domain::{ExitStatus, Outcome, Submission, Usage, Verdict};

/// The end of stderr that is looked at: enough for the longest trace of a runtime.
const STDERR_BYTES: usize = 64 * 1024;

/// The beginning of the compiler's text that is looked at: a text of this size without an error takes up to a millisecond.
const COMPILER_BYTES: usize = 6 * 1024;

/// What a runner told about a run that failed.
#[derive(Debug)]
pub(super) struct FailedRun<'a> {
    pub(super) language: &'a str,
    pub(super) verdict: Verdict,
    /// Whether it ended with the compiler.
    pub(super) is_compiling: bool,
    /// How the program ended, if it was started and the runner knows.
    pub(super) exit_status: Option<ExitStatus>,
    /// Whether there was no input, and none could come.
    pub(super) has_no_input: bool,
    /// Whether it used little of its time on a processor.
    pub(super) has_waited: bool,
    /// The end of stderr, or the beginning of the compiler's text.
    pub(super) text: Cow<'a, str>,
}

impl<'a> FailedRun<'a> {
    /// The facts; `None` if the run did not fail, or no runner reported on it.
    pub(super) fn new(submission: &'a Submission, outcome: &'a Outcome) -> Option<Self> {
        let report = outcome.report()?;
        let verdict = outcome.verdict();
        if verdict.is_success() {
            return None;
        }
        Some(Self {
            language: submission.language().as_str(),
            verdict,
            is_compiling: report.exit_status.is_none() && report.compile.is_some(),
            exit_status: report.exit_status,
            has_no_input: submission.input().is_empty() && !submission.is_interactive(),
            has_waited: has_waited(report.usage),
            text: text(outcome),
        })
    }

    /// The exit code, or 128 and the number of the signal, as shells report it.
    pub(super) fn exit_code(&self) -> Option<i32> {
        self.exit_status.map(|status| match status {
            ExitStatus::Exited(code) => code,
            ExitStatus::Signaled(signal) => 128 + signal.number(),
        })
    }
}

/// On a busy machine, a program that never waits may get a small part of its time only.
fn has_waited(usage: Usage) -> bool {
    let times = usage.cpu_time.zip(usage.wall_time);
    times.is_some_and(|(cpu, wall)| cpu < wall / 10)
}

/// The end of stderr, or the beginning of the compiler's text. Empty if the end was not kept.
fn text(outcome: &Outcome) -> Cow<'_, str> {
    let written = outcome.error_output();
    let bytes = written.bytes();
    let looked_at = if outcome.verdict() == Verdict::CompileError {
        bytes.get(..COMPILER_BYTES)
    } else if written.is_truncated() {
        Some(&[][..])
    } else {
        bytes
            .len()
            .checked_sub(STDERR_BYTES)
            .and_then(|start| bytes.get(start..))
    };
    String::from_utf8_lossy(looked_at.unwrap_or(bytes))
}
