//! How an execution ended: what the runner reported, what was kept of the output, and one verdict over it.

mod parts;

use std::time::Duration;

pub use parts::{OutcomeError, OutcomeParts};

use crate::{ByteSize, Limits, Output, Signal, StageLimits, Verdict};

/// What ended a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signaled(Signal),
}

/// What a stage used; `None` where the runner cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU time of all its processes together.
    pub cpu_time: Option<Duration>,
    /// Time on the clock.
    pub wall_time: Option<Duration>,
    /// Peak memory.
    pub memory: Option<ByteSize>,
}

/// Which controls were really in force on a run, and by what means; `None` means not enforced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enforcement {
    /// CPU time.
    pub cpu: Option<String>,
    /// Memory.
    pub memory: Option<String>,
    /// Number of processes.
    pub processes: Option<String>,
    /// No network.
    pub network: Option<String>,
    /// No files but its own.
    pub filesystem: Option<String>,
    /// Amount of output.
    pub output: Option<String>,
    /// What became of a cancelled program that was not killed: `abandoned`. It ends by itself or by its limits.
    pub cancel: Option<String>,
}

/// What a runner says about the compile stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileReport {
    /// How the compiler ended.
    pub ending: Option<Ending>,
    /// What it used.
    pub usage: Usage,
    /// What it wrote to stdout.
    pub output: Output,
    /// What it wrote to stderr.
    pub error_output: Output,
}

/// What a runner says about a program that it ran, or refused to run.
///
/// A program that crashes is a report, never an error of the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The runner's judgement.
    pub verdict: Verdict,
    /// How the program ended, if it was started.
    pub ending: Option<Ending>,
    /// What it used.
    pub usage: Usage,
    /// The compile stage, where there was one.
    pub compile: Option<CompileReport>,
    /// The version that really ran, such as `3.11.2`.
    pub language_version: Option<String>,
    /// The name of the runner, such as `sandbox`.
    pub runner: String,
    /// What was enforced on this run.
    pub enforcement: Enforcement,
    /// One sentence that may help a person.
    pub hint: Option<String>,
}

/// How an execution ended. Made by [`Outcome::of_run`], [`Outcome::without_run`] or [`Outcome::restore`], so verdict and
/// report agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome(OutcomeParts);

impl Outcome {
    /// The outcome of a run: the runner's verdict, except that an accepted program that did not print what was
    /// `expected` is [`Verdict::WrongAnswer`].
    ///
    /// A program that was not compiled has the compiler's text for its error output.
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

    /// The outcome of an execution that no runner reported on, with one plain sentence for its owner.
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

    /// Checks what a store kept.
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

    /// Adds the output that was kept before the run was given up.
    #[must_use]
    pub fn with_output(self, output: Output, error_output: Output) -> Self {
        Self(OutcomeParts {
            output,
            error_output,
            ..self.0
        })
    }

    /// The one word for it.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.0.verdict
    }

    /// The sentence for its owner, where no runner reported.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What the runner said, where one ran.
    #[must_use]
    pub const fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }

    /// What the program wrote to stdout.
    #[must_use]
    pub const fn output(&self) -> &Output {
        &self.0.output
    }

    /// What the program wrote to stderr.
    #[must_use]
    pub const fn error_output(&self) -> &Output {
        &self.0.error_output
    }

    /// What it occupies in memory: both streams and the compiler's.
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

    /// Says in one sentence what happened, unless the program ended well.
    #[must_use]
    pub fn explanation(&self, limits: &Limits) -> Option<String> {
        if let Some(reason) = &self.0.reason {
            return Some(reason.clone());
        }
        let (stage, usage) = self.last_stage(limits);
        match self.0.verdict {
            Verdict::Accepted | Verdict::WrongAnswer => None,
            Verdict::CompileError => Some("The program could not be compiled".to_owned()),
            Verdict::RuntimeError => Some(self.ending_sentence()),
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
                ending: None,
                compile: Some(compile),
                ..
            }) => (&limits.compile, compile.usage),
            Some(report) => (&limits.run, report.usage),
            None => (&limits.run, Usage::default()),
        }
    }

    fn ending_sentence(&self) -> String {
        match self.0.report.as_ref().and_then(|report| report.ending) {
            Some(Ending::Exited(code)) => format!("The program exited with code {code}"),
            Some(Ending::Signaled(signal)) => format!("The program was ended by {signal}"),
            None => "The program could not be started".to_owned(),
        }
    }
}

/// Names the CPU limit where the CPU time says that it was the one, else the limit on the clock.
fn time_sentence(stage: &StageLimits, usage: Usage) -> String {
    let (cpu, wall) = (stage.cpu_time(), stage.wall_time());
    if usage.cpu_time.is_some_and(|used| used >= cpu) {
        format!("CPU time limit of {} s exceeded", seconds(cpu))
    } else {
        format!("Time limit of {} s exceeded", seconds(wall))
    }
}

/// The ways to end without a runner's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedWithoutRun {
    /// Its owner stopped it before it ran.
    Cancelled,
    /// The runner would not take it.
    Rejected,
    /// The service failed.
    Failed,
}

impl EndedWithoutRun {
    /// Every way there is.
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

/// What the compiler had to say, on whichever stream it said it.
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
