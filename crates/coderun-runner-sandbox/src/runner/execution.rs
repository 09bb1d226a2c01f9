//! Runs a submission from its first stage to its report.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use coderun_domain::{CompileReport, Report, RunIo, RunnerError, Submission, Verdict};

use super::compiler_files::CompilerFiles;
use super::input::Input;
use super::judge::Judgement;
use super::plan::StagePlan;
use super::pump::{OutputSinks, StageIo};
use super::report::not_run;
use super::stage_runner::{StageResult, StageRunner};
use crate::slots::Slot;
use crate::toolchain::Toolchain;

/// One run.
pub(super) struct Execution<'a> {
    pub(super) stages: &'a StageRunner,
    pub(super) toolchain: &'a Toolchain,
    pub(super) submission: &'a Submission,
    pub(super) slot: Arc<Slot>,
    pub(super) input: Input,
}

/// The result of the compile stage.
enum Built {
    /// There is something to run.
    Runnable(Option<CompileReport>, Option<OwnedFd>),
    /// The run is over.
    Over(Box<Report>),
}

impl Execution<'_> {
    /// Builds and runs the program.
    pub(super) async fn run(mut self, io: &mut (dyn RunIo + '_)) -> Result<Report, RunnerError> {
        let (compile, artefact) = match self.build(io).await? {
            Built::Runnable(compile, artefact) => (compile, artefact),
            Built::Over(report) => return Ok(*report),
        };
        if let Some(memory) = self.slot.memory.lock().as_mut() {
            memory.shrink_to(self.submission.limits().run.memory());
        }
        let plan = StagePlan::run(self.submission, self.toolchain, artefact);
        let mut sinks = OutputSinks::client(self.submission.limits().storage.output());
        let judgement = self.run_stage(plan, io, &mut sinks).await?.judgement;
        Ok(Report {
            exit_status: Some(judgement.exit_status),
            usage: judgement.usage,
            compile,
            hint: judgement.hint.map(str::to_owned),
            ..not_run(judgement.verdict, self.toolchain, self.stages.enforcement())
        })
    }

    async fn build(&mut self, io: &mut (dyn RunIo + '_)) -> Result<Built, RunnerError> {
        let Some(plan) = StagePlan::compile(self.submission, self.toolchain) else {
            return Ok(Built::Runnable(None, None));
        };
        let mut sinks = OutputSinks::buffers(self.submission.limits().storage.output());
        let compilation = self.run_stage(plan, io, &mut sinks).await?;
        let (judgement, artefact) = (compilation.judgement, compilation.artefact);
        let failed = compile_verdict(judgement);
        let built_nothing = failed.is_none() && is_empty(artefact.as_ref());
        let verdict = failed.or_else(|| built_nothing.then_some(Verdict::CompileError));
        let (mut output, mut error_output) = (sinks.stdout.finish(), sinks.stderr.finish());
        if verdict.is_some() {
            // Some compilers write their errors to stdout.
            if error_output.bytes().is_empty() {
                std::mem::swap(&mut output, &mut error_output);
            }
            let files = CompilerFiles::new(&self.submission.limits().storage);
            error_output = files.name_limit(error_output);
            if built_nothing {
                let artefact = &self.toolchain.entry.artefact;
                error_output = files.name_artefact(artefact, &error_output);
            }
        }
        let report = CompileReport {
            exit_status: Some(judgement.exit_status),
            usage: judgement.usage,
            output,
            error_output,
        };
        Ok(match verdict {
            None => Built::Runnable(Some(report), artefact),
            Some(verdict) => Built::Over(Box::new(Report {
                compile: Some(report),
                ..not_run(verdict, self.toolchain, self.stages.enforcement())
            })),
        })
    }

    async fn run_stage(
        &mut self,
        plan: StagePlan,
        client: &mut (dyn RunIo + '_),
        sinks: &mut OutputSinks,
    ) -> Result<StageResult, RunnerError> {
        let input = &mut self.input;
        let io = StageIo {
            client,
            input,
            sinks,
        };
        self.stages.run(&self.slot, plan, io).await
    }
}

/// Whether nothing that can be run was taken out of the compiler's sandbox.
fn is_empty(artefact: Option<&OwnedFd>) -> bool {
    let status = artefact.and_then(|artefact| rustix::fs::fstat(artefact).ok());
    status.is_none_or(|status| status.st_size == 0)
}

/// The verdict on a compilation that failed; `None` if it succeeded.
fn compile_verdict(judgement: Judgement) -> Option<Verdict> {
    match judgement.verdict {
        Verdict::Accepted => None,
        // An exit code or a crash of the compiler.
        Verdict::RuntimeError => Some(Verdict::CompileError),
        verdict @ (Verdict::WrongAnswer
        | Verdict::CompileError
        | Verdict::TimeLimit
        | Verdict::MemoryLimit
        | Verdict::OutputLimit
        | Verdict::ProcessLimit
        | Verdict::SecurityViolation
        | Verdict::Cancelled
        | Verdict::Rejected
        | Verdict::InternalError) => Some(verdict),
    }
}
