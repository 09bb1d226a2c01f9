//! Combines the runner's report, the kept output and one verdict over both.

mod parts;

use std::time::Duration;

pub use parts::{OutcomeError, OutcomeParts};

use crate::{ByteSize, ExitStatus, Limits, Output, Report, StageLimits, Usage, Verdict};

/// The end of an execution: verdict, report and output. Its constructors make sure that verdict and report agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome(OutcomeParts);

impl Outcome {
    /// The outcome of a run: the runner's verdict, except that an accepted program that did not print what was
    /// `expected` is [`Verdict::WrongAnswer`].
    ///
    /// A program that did not compile has the compiler's output as its error output.
    /// Expected and actual output are compared after trimming white space at the end of each line and of the whole.
    #[must_use]
    pub fn of_run(
        report: Report,
        output: Output,
        error_output: Output,
        expected: Option<&str>,
    ) -> Self {
        let mismatch = expected.is_some_and(|expected| !same_answer(expected, output.bytes()));
        let verdict = if report.verdict == Verdict::Accepted && mismatch {
            Verdict::WrongAnswer
        } else {
            report.verdict
        };
        let error_output = if verdict == Verdict::CompileError && error_output.is_empty() {
            compiler_text(&report)
        } else {
            error_output
        };
        Self(OutcomeParts {
            verdict,
            reason: None,
            report: Some(report),
            output,
            error_output,
        })
    }

    /// The outcome of an execution without a runner's report, with a reason in one sentence for its owner.
    #[must_use]
    pub fn without_run(ending: EndedWithoutRun, reason: impl Into<String>) -> Self {
        Self(OutcomeParts {
            verdict: ending.verdict(),
            reason: Some(reason.into()),
            report: None,
            output: Output::default(),
            error_output: Output::default(),
        })
    }

    /// Checks values that a store has kept.
    ///
    /// # Errors
    /// [`OutcomeError`] where verdict and report do not agree.
    pub fn restore(parts: OutcomeParts) -> Result<Self, OutcomeError> {
        let verdict = parts.verdict;
        let agree = match &parts.report {
            Some(report) => {
                let is_corrected =
                    verdict == Verdict::WrongAnswer && report.verdict == Verdict::Accepted;
                report.verdict == verdict || is_corrected
            }
            None => EndedWithoutRun::ALL
                .map(EndedWithoutRun::verdict)
                .contains(&verdict),
        };
        if !agree || parts.report.is_some() == parts.reason.is_some() {
            return Err(OutcomeError { verdict });
        }
        Ok(Self(parts))
    }

    /// Adds the output of a run that was given up.
    #[must_use]
    pub fn with_output(self, output: Output, error_output: Output) -> Self {
        Self(OutcomeParts {
            output,
            error_output,
            ..self.0
        })
    }

    /// Adds a hint for the owner to the report, unless the runner gave one.
    #[must_use]
    pub fn with_hint(mut self, find: impl FnOnce(&Self) -> Option<String>) -> Self {
        if self.report().is_some_and(|report| report.hint.is_none()) {
            let hint = find(&self);
            self.0.report = self.0.report.map(|report| Report { hint, ..report });
        }
        self
    }

    /// The verdict.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.0.verdict
    }

    /// The reason, in one sentence for the owner, if no runner reported.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The runner's report, if a runner made one.
    #[must_use]
    pub const fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }

    /// The output on stdout.
    #[must_use]
    pub const fn output(&self) -> &Output {
        &self.0.output
    }

    /// The output on stderr.
    #[must_use]
    pub const fn error_output(&self) -> &Output {
        &self.0.error_output
    }

    /// The memory that it occupies: both streams and those of the compiler.
    #[must_use]
    pub fn size(&self) -> ByteSize {
        let compile = self
            .0
            .report
            .as_ref()
            .and_then(|report| report.compile.as_ref());
        let compiler = compile.map_or(0, |compile| {
            compile.output.bytes().len() + compile.error_output.bytes().len()
        });
        let total = self.0.output.bytes().len() + self.0.error_output.bytes().len() + compiler;
        ByteSize::from_bytes(u64::try_from(total).unwrap_or(u64::MAX))
    }

    /// Explains in one sentence what happened; `None` after success.
    #[must_use]
    pub fn explanation(&self, limits: &Limits) -> Option<String> {
        if let Some(reason) = &self.0.reason {
            return Some(reason.clone());
        }
        let (stage, usage) = self.last_stage(limits);
        match self.0.verdict {
            Verdict::Accepted | Verdict::WrongAnswer => None,
            Verdict::CompileError => Some("The program could not be compiled".to_owned()),
            Verdict::RuntimeError => Some(self.exit_sentence()),
            Verdict::TimeLimit => Some(time_sentence(stage, usage)),
            Verdict::MemoryLimit => Some(format!("Memory limit of {} exceeded", stage.memory())),
            Verdict::OutputLimit => Some(format!(
                "Output limit of {} exceeded",
                limits.storage.output()
            )),
            Verdict::ProcessLimit => {
                Some(format!("Process limit of {} exceeded", stage.processes()))
            }
            Verdict::SecurityViolation => {
                Some("The program tried something that the sandbox forbids".to_owned())
            }
            Verdict::Cancelled => Some("The execution was cancelled".to_owned()),
            Verdict::Rejected => Some("The runner refused the program".to_owned()),
            Verdict::InternalError => Some("The service failed to run the program".to_owned()),
        }
    }

    /// The limits and the usage of the stage that came last: compiling, unless the program was started.
    fn last_stage<'a>(&self, limits: &'a Limits) -> (&'a StageLimits, Usage) {
        match &self.0.report {
            Some(Report {
                exit_status: None,
                compile: Some(compile),
                ..
            }) => (&limits.compile, compile.usage),
            Some(report) => (&limits.run, report.usage),
            None => (&limits.run, Usage::default()),
        }
    }

    fn exit_sentence(&self) -> String {
        match self.0.report.as_ref().and_then(|report| report.exit_status) {
            Some(ExitStatus::Exited(code)) => format!("The program exited with code {code}"),
            Some(ExitStatus::Signaled(signal)) => format!("The program was ended by {signal}"),
            None => "The program could not be started".to_owned(),
        }
    }
}

/// Names the CPU limit if the CPU time has reached it, else the wall time limit.
fn time_sentence(stage: &StageLimits, usage: Usage) -> String {
    let (cpu, wall) = (stage.cpu_time(), stage.wall_time());
    if usage.cpu_time.is_some_and(|used| used >= cpu) {
        format!("CPU time limit of {} s exceeded", seconds(cpu))
    } else {
        format!("Time limit of {} s exceeded", seconds(wall))
    }
}

/// A way to end without a runner's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedWithoutRun {
    /// The owner cancelled the execution before it ran.
    Cancelled,
    /// The runner refused the program.
    Rejected,
    /// The service failed.
    Failed,
}

impl EndedWithoutRun {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Cancelled, Self::Rejected, Self::Failed];

    /// The verdict for this ending.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Cancelled => Verdict::Cancelled,
            Self::Rejected => Verdict::Rejected,
            Self::Failed => Verdict::InternalError,
        }
    }
}

/// Prints seconds without trailing zeros: `10`, `1.5`.
fn seconds(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The output of the compiler: stderr, or stdout if that is empty.
fn compiler_text(report: &Report) -> Output {
    match &report.compile {
        Some(compile) if compile.error_output.is_empty() => compile.output.clone(),
        Some(compile) => compile.error_output.clone(),
        None => Output::default(),
    }
}

fn same_answer(expected: &str, actual: &[u8]) -> bool {
    trimmed_lines(expected.as_bytes()) == trimmed_lines(actual)
}

/// The lines of a text without white space at their ends and without empty lines at the end of the text.
fn trimmed_lines(text: &[u8]) -> Vec<&[u8]> {
    text.trim_ascii_end()
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .collect()
}

#[cfg(test)]
mod tests;
