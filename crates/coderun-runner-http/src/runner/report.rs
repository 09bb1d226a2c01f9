//! Turns the result of an API into the report of the port, and passes the output on.

use bytes::Bytes;
use coderun_domain::{
    ByteSize, CompileReport, Enforcement, Limits, Output, OutputStream, Report, RunIo, StageLimits,
    Verdict,
};

use crate::api::{Program, RunResult};

/// Makes the report of one run.
#[derive(Debug)]
pub(super) struct Reporter<'a> {
    pub(super) runner: &'static str,
    pub(super) enforcement: Enforcement,
    pub(super) program: &'a Program,
}

impl Reporter<'_> {
    /// Passes on the output, up to one byte beyond the limit, and makes the report.
    pub(super) async fn report(self, result: RunResult, io: &mut (dyn RunIo + '_)) -> Report {
        let limit = self.program.submission.limits().storage.output();
        let head_bytes = usize::try_from(limit.as_bytes()).unwrap_or(usize::MAX);
        let mut is_over_limit = false;
        let streams = [
            (OutputStream::Stdout, &result.stdout),
            (OutputStream::Stderr, &result.stderr),
        ];
        for (stream, bytes) in streams {
            is_over_limit |= bytes.len() > head_bytes;
            let head = bytes.slice(..bytes.len().min(head_bytes.saturating_add(1)));
            if !head.is_empty() {
                io.output(stream, head).await;
            }
            if result.truncated.contains(&stream) {
                io.mark_truncated(stream);
            }
        }
        let verdict = if is_over_limit {
            Verdict::OutputLimit
        } else {
            result.verdict
        };
        let version = || self.program.runtime.version.clone();
        Report {
            verdict,
            exit_status: result.exit_status,
            usage: result.usage,
            hint: self.hint(&result),
            compile: result.compile.map(|compile| cut(compile, head_bytes)),
            language_version: Some(result.language_version.unwrap_or_else(version)),
            runner: self.runner.to_owned(),
            enforcement: self.enforcement,
        }
    }

    /// The API's own hint, or that the limits were lower than those of the submission.
    fn hint(&self, result: &RunResult) -> Option<String> {
        if result.verdict == Verdict::TimeLimit {
            self.lowered_limits(result)
        } else {
            result.hint.clone()
        }
    }

    /// Says so if the limits that were met are lower than those of the submission.
    fn lowered_limits(&self, result: &RunResult) -> Option<String> {
        let stage = |limits: &Limits| match result.exit_status {
            Some(_) => limits.run,
            None => limits.compile,
        };
        let times = |limits: StageLimits| (limits.cpu_time(), limits.wall_time());
        let sent = times(stage(&self.program.limits));
        let asked = times(stage(self.program.submission.limits()));
        (sent != asked).then(|| {
            let (cpu_ms, wall_ms) = (sent.0.as_millis(), sent.1.as_millis());
            format!(
                "The runner's own limits are lower: {cpu_ms} ms of CPU time, {wall_ms} ms in all"
            )
        })
    }
}

/// The result of a run whose answer was larger than the runner reads: only the output makes an answer large.
pub(super) fn oversized(max: ByteSize) -> RunResult {
    let hint = format!("The program wrote more than the runner can return, {max} in all");
    RunResult {
        truncated: vec![OutputStream::Stdout, OutputStream::Stderr],
        ..RunResult::without_run(Verdict::OutputLimit, Some(hint))
    }
}

/// The result of a run whose answer cannot be read. Another attempt would get the same answer.
pub(super) fn unreadable() -> RunResult {
    let hint = "The runner's answer cannot be read".to_owned();
    RunResult::without_run(Verdict::InternalError, Some(hint))
}

/// Keeps the compiler's output within the limit of the program's.
fn cut(compile: CompileReport, head_bytes: usize) -> CompileReport {
    let within = |output: Output| match output.bytes().get(..head_bytes) {
        Some(head) if head.len() < output.bytes().len() => {
            Output::truncated(Bytes::copy_from_slice(head))
        }
        Some(_) | None => output,
    };
    CompileReport {
        output: within(compile.output),
        error_output: within(compile.error_output),
        ..compile
    }
}
