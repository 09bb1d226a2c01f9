//! Reads the result of a program that Piston ran.

use coderun_domain::{ByteSize, CompileReport, Limits, Output, OutputStream, Usage, Verdict};
use semver::Version;
use serde::Deserialize;

use super::verdict::StageEnd;
use crate::api::RunResult;
use crate::error::ApiError;

/// The answer to `/execute`. Other versions of Piston leave out more of it than `compile`.
#[derive(Deserialize)]
struct Executed {
    /// Absent for languages that are not compiled.
    compile: Option<Stage>,
    /// A copy of `compile` if that failed.
    run: Option<Stage>,
    version: Option<String>,
}

/// How one stage went.
#[derive(Deserialize)]
pub(super) struct Stage {
    stdout: Option<String>,
    stderr: Option<String>,
    /// Both streams, mixed.
    output: Option<String>,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<String>,
    /// Two letters, if it did not end well.
    pub(super) status: Option<String>,
    /// In milliseconds.
    cpu_time: Option<f64>,
    /// In milliseconds.
    wall_time: Option<f64>,
    /// Thousands of bytes that are really 1024 bytes each.
    pub(super) memory: Option<u64>,
}

/// Reads a result. Compiling comes first: if it failed, the run says nothing.
pub(super) fn read(body: &[u8], limits: &Limits) -> Result<RunResult, ApiError> {
    let executed: Executed = serde_json::from_slice(body)?;
    let language_version = executed.version.filter(|version| is_version(version));
    let compiled = match executed.compile {
        Some(stage) => Some((StageEnd::of_compile(&stage, &limits.compile)?, stage)),
        None => None,
    };
    let (failed, compile) = match compiled {
        Some((end, stage)) => (end.failure(), Some(compile_report(stage, &end)?)),
        None => (None, None),
    };
    if let Some(verdict) = failed {
        let is_cut = verdict == Verdict::OutputLimit;
        let hint = "The compiler wrote more than the runner takes, and was stopped for it";
        return Ok(RunResult {
            compile,
            language_version,
            ..RunResult::without_run(verdict, is_cut.then(|| hint.to_owned()))
        });
    }
    let run = executed
        .run
        .ok_or(ApiError::Contradiction("there is no run"))?;
    let end = StageEnd::of_run(&run, &limits.run)?;
    let usage = usage(&run);
    let (stdout, stderr) = run.streams()?;
    Ok(RunResult {
        verdict: end.verdict,
        exit_status: end.exit_status,
        usage,
        compile,
        stdout: stdout.into(),
        stderr: stderr.into(),
        truncated: end.truncated.into_iter().collect(),
        language_version,
        hint: None,
    })
}

impl Stage {
    /// Stdout and stderr; both in stdout if the answer does not tell them apart.
    fn streams(self) -> Result<(String, String), ApiError> {
        match (self.stdout, self.stderr, self.output) {
            (None, None, None) => Err(ApiError::Contradiction("there is no output")),
            (None, None, Some(output)) => Ok((output, String::new())),
            (stdout, stderr, _) => Ok((stdout.unwrap_or_default(), stderr.unwrap_or_default())),
        }
    }
}

fn compile_report(stage: Stage, end: &StageEnd) -> Result<CompileReport, ApiError> {
    let usage = usage(&stage);
    let (stdout, stderr) = stage.streams()?;
    let output = |text: String, stream| {
        if end.truncated == Some(stream) {
            Output::truncated(text)
        } else {
            Output::complete(text)
        }
    };
    Ok(CompileReport {
        exit_status: end.exit_status,
        usage,
        output: output(stdout, OutputStream::Stdout),
        error_output: output(stderr, OutputStream::Stderr),
    })
}

/// What a stage used; times that make no sense are left out.
fn usage(stage: &Stage) -> Usage {
    /// Longer than any program may run.
    const TIME_MAX: std::time::Duration = std::time::Duration::from_hours(24 * 365);
    let time = |millis: f64| {
        let time = std::time::Duration::try_from_secs_f64(millis / 1000.0).ok();
        time.filter(|time| *time <= TIME_MAX)
    };
    let kib = |thousands: u64| ByteSize::from_bytes((thousands / 1000).saturating_mul(1024));
    Usage {
        cpu_time: stage.cpu_time.and_then(time),
        wall_time: stage.wall_time.and_then(time),
        memory: stage.memory.map(kib),
    }
}

fn is_version(text: &str) -> bool {
    text.len() <= 64 && Version::parse(text).is_ok()
}

#[cfg(test)]
mod tests;
