//! Runs a job in coderun's sandbox.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    Attempt, BackendError, ByteSize, CodeRunner, CompileReport, Ending, ExecutionId, File,
    FileName, InputWanted, Language, LanguageSpec, Limits, OutputStream, Report, RunInput, RunIo,
    RunRequest, Signal, StageLimits, StorageLimits, Submission, SubmissionParts, UserId, Verdict,
};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};
use uuid::Uuid;

use super::ExecuteError;
use super::capture::Capture;
use super::verdict::{self, StageEnd};
use crate::job::{self, Encoding, Job, PlacedFile, StageBounds};
use crate::runtime::Package;
use crate::stage::StageResult;
use crate::{PistonLimits, SignalReport, StandinOptions};

/// What of stdin reaches a program: Piston closes the socket at once after writing, and so much fits into it.
const STDIN_MAX_BYTES: usize = 219_264;

/// Where Piston sets no limit on time.
const TIME_CEILING: Duration = Duration::from_hours(1);

/// All files of a job together, on which Piston sets no limit.
const DISK_CEILING: ByteSize = ByteSize::from_mib(256);

/// What a compiler may write before the sandbox forgets the rest. It is capped later, as Piston does.
const COMPILER_OUTPUT: ByteSize = ByteSize::from_mib(16);

/// The sandbox and how Piston would limit it.
#[derive(Debug)]
pub(super) struct Sandboxed {
    runner: SandboxRunner,
    limits: PistonLimits,
    memory_ceiling: ByteSize,
    signals: SignalReport,
    last_id: AtomicU64,
}

/// The results of both stages.
pub(super) type Stages = (Option<StageResult>, Option<StageResult>);

impl Sandboxed {
    pub(super) async fn start(config: SandboxConfig, options: &StandinOptions) -> io::Result<Self> {
        let config = SandboxConfig {
            slots: options.max_concurrent_jobs,
            // There is a slot for every job that has a place; this is for those that are being cleared.
            slot_wait: TIME_CEILING,
            ..config
        };
        Ok(Self {
            runner: SandboxRunner::start(config)
                .await
                .map_err(io::Error::other)?,
            limits: options.limits,
            memory_ceiling: options.memory_ceiling,
            signals: options.signals,
            last_id: AtomicU64::new(0),
        })
    }

    pub(super) fn languages(&self) -> Vec<LanguageSpec> {
        self.runner.languages()
    }

    /// Runs a job. Dropping the future kills the program.
    pub(super) async fn run(&self, job: &Job) -> Result<Stages, ExecuteError> {
        let package = Package::of(&job.runtime.language);
        let package = package.ok_or_else(|| sandbox_fails("the language is unknown"))?;
        let request = RunRequest {
            id: self.next_id(),
            attempt: Attempt::from_count(1),
            submission: Arc::new(self.submission(job, package)?),
        };
        let mut io = JobIo::new(self.capture());
        let report = self.runner.run(request, &mut io).await;
        let report = report.map_err(sandbox_fails)?;
        self.stages(job, package, &report, io.capture)
    }

    fn next_id(&self) -> ExecutionId {
        let number = self.last_id.fetch_add(1, Ordering::Relaxed);
        ExecutionId::from_uuid(Uuid::from_u128(number.into()))
    }

    fn capture(&self) -> Capture {
        let max = self.limits.output_max_size.as_bytes();
        Capture::new(usize::try_from(max).unwrap_or(usize::MAX))
    }

    fn submission(&self, job: &Job, package: &Package) -> Result<Submission, ExecuteError> {
        let (entry, others) = job::place(&job.files).ok_or(ExecuteError::Job)?;
        let named = |file: PlacedFile| named(file, package);
        let files: Result<Vec<File>, ExecuteError> = others.into_iter().map(named).collect();
        let code = String::from_utf8_lossy(&entry.content).into_owned();
        Submission::restore(SubmissionParts {
            user: UserId::parse("piston").map_err(sandbox_fails)?,
            language: Language::parse(package.sandbox_language).map_err(sandbox_fails)?,
            version: None,
            // The sandbox takes no empty program, and to every language a line is as empty.
            code: if code.is_empty() {
                "\n".to_owned()
            } else {
                code
            },
            input: delivered(&job.stdin),
            args: job.args.clone().ok_or(ExecuteError::Job)?,
            files: files?,
            limits: self.limits(job).map_err(sandbox_fails)?,
            expected_output: None,
            interactive: false,
            trace: None,
        })
        .map_err(sandbox_fails)
    }

    fn limits(&self, job: &Job) -> Result<Limits, coderun_domain::ZeroLimit> {
        let limits = &self.limits;
        let stage = |bounds: &StageBounds| {
            StageLimits::new(
                bounds.cpu_time.unwrap_or(TIME_CEILING),
                bounds.timeout.unwrap_or(TIME_CEILING),
                bounds.memory.unwrap_or(self.memory_ceiling),
                limits.max_process_count,
            )
        };
        // Piston's own cap must be met first.
        let output = limits.output_max_size.saturating_add(COMPILER_OUTPUT);
        // Piston passes on thousands of bytes, which Isolate takes for KiB.
        let file_size = ByteSize::from_kib(limits.max_file_size.as_bytes() / 1000);
        Ok(Limits {
            run: stage(&job.bounds.run)?,
            compile: stage(&job.bounds.compile)?,
            storage: StorageLimits::new(output, file_size, DISK_CEILING, limits.max_open_files)?,
        })
    }

    fn stages(
        &self,
        job: &Job,
        package: &Package,
        report: &Report,
        capture: Capture,
    ) -> Result<Stages, ExecuteError> {
        if report.verdict == Verdict::InternalError {
            return Err(sandbox_fails("it failed"));
        }
        let was_started = report.ending.is_some();
        let compile = report.compile.as_ref().map(|compile| {
            let verdict = if was_started {
                Verdict::Accepted
            } else {
                report.verdict
            };
            self.compile_result(compile, verdict, job)
        });
        // Also a compiler that only said too much has failed.
        let is_built = compile
            .as_ref()
            .is_none_or(|compile| compile.code == Some(0) && compile.status.is_none());
        let end = report.ending.filter(|_| is_built).map(|ending| StageEnd {
            verdict: report.verdict,
            ending,
            usage: report.usage,
        });
        let place = (&job.runtime, package, self.signals);
        let run = end.map(|end| verdict::run_result(end, capture, &job.bounds.run, place));
        Ok((compile, run))
    }

    fn compile_result(&self, compile: &CompileReport, verdict: Verdict, job: &Job) -> StageResult {
        let mut capture = self.capture();
        for (stream, output) in [
            (OutputStream::Stdout, &compile.output),
            (OutputStream::Stderr, &compile.error_output),
        ] {
            // A compiler writes line by line, and is killed at the first that does not fit.
            for line in output.bytes().split_inclusive(|byte| *byte == b'\n') {
                if !capture.is_exceeded() {
                    capture.take(stream, line);
                }
            }
        }
        let killed = Ending::Signaled(Signal::KILL);
        let end = StageEnd {
            verdict,
            ending: compile.ending.unwrap_or(killed),
            usage: compile.usage,
        };
        verdict::compile_result(end, capture, &job.bounds.compile)
    }
}

/// A file beside the code. What a package compiles gets another ending first, whatever text it is.
fn named(file: PlacedFile, package: &Package) -> Result<File, ExecuteError> {
    let path = match (package.source_ending, file.encoding) {
        (Some(ending), Encoding::Utf8) => format!("{}{ending}", file.path),
        (Some(_) | None, Encoding::Utf8 | Encoding::Base64 | Encoding::Hex) => file.path,
    };
    let name = FileName::parse(&path).map_err(sandbox_fails)?;
    Ok(File::new(name, file.content))
}

/// The head of stdin that reaches the program.
fn delivered(stdin: &str) -> String {
    let end = stdin.floor_char_boundary(STDIN_MAX_BYTES);
    stdin.get(..end).unwrap_or(stdin).to_owned()
}

fn sandbox_fails(source: impl Into<BackendError>) -> ExecuteError {
    ExecuteError::Sandbox(source.into())
}

/// Takes output up to Piston's cap, and ends a program that writes more.
struct JobIo {
    capture: Capture,
    input_closed: bool,
    cancelled: bool,
}

impl JobIo {
    const fn new(capture: Capture) -> Self {
        Self {
            capture,
            input_closed: false,
            cancelled: false,
        }
    }
}

#[async_trait]
impl RunIo for JobIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        self.capture.take(stream, &bytes);
    }

    fn cut(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        if !self.input_closed && wanted == InputWanted::Anything {
            self.input_closed = true;
            return RunInput::Closed;
        }
        if self.capture.is_exceeded() && !self.cancelled {
            self.cancelled = true;
            return RunInput::Cancel;
        }
        std::future::pending().await
    }

    async fn awaiting_input(&mut self) {}
}
