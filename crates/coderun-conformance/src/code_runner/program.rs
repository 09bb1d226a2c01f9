//! Builds programs, runs them on a runner and records their output.

use std::sync::Arc;
use std::time::Duration;

use super::RunnerUnderTest;
use super::interactive_io::{InteractiveClient, ProgramEvent, closed_io, interactive_io};
use crate::fixtures::within;
use coderun_domain::testing::{execution_id, submission_policy, user};
use coderun_domain::{
    Attempt, ByteSize, CodeRunner, LanguageCatalog, LanguageSpec, LimitPolicy, Limits,
    OutputStream, Report, RunIo, RunRequest, RunnerError, StageLimits, StorageLimits, Submission,
    SubmissionDraft, SubmissionPolicy,
};

/// A program and its limits, which are small unless a test says otherwise.
#[derive(Debug, Clone)]
pub struct Program {
    /// The submission without its limits.
    pub draft: SubmissionDraft,
    /// CPU time.
    pub cpu: Duration,
    /// Wall-clock time.
    pub wall: Duration,
    /// Memory of all its processes.
    pub memory: ByteSize,
    /// Processes and threads.
    pub processes: u32,
    /// Each of its output streams.
    pub output: ByteSize,
    /// Any one file.
    pub file_size: ByteSize,
    /// All files together.
    pub disk: ByteSize,
    /// Open descriptors of one process.
    pub open_files: u32,
    /// CPU and wall-clock time of the compiler.
    pub compile_time: Duration,
    /// Memory of the compiler.
    pub compile_memory: ByteSize,
    /// Whether the limits may be above the runner's own.
    pub asked_limits: AskedLimits,
}

/// Whether a program asks for more than the maximum limits of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedLimits {
    /// It asks for at most the maximum.
    WithinMaximum,
    /// It may ask for more.
    BeyondMaximum,
}

impl Program {
    /// A program in this language.
    #[must_use]
    pub fn new(language: &str, code: &str) -> Self {
        Self {
            draft: SubmissionDraft {
                code: code.to_owned(),
                language: language.to_owned(),
                ..SubmissionDraft::default()
            },
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(15),
            memory: ByteSize::from_mib(256),
            processes: 32,
            output: ByteSize::from_kib(64),
            file_size: ByteSize::from_mib(8),
            disk: ByteSize::from_mib(512),
            open_files: 64,
            compile_time: Duration::from_secs(20),
            compile_memory: ByteSize::from_mib(512),
            asked_limits: AskedLimits::WithinMaximum,
        }
    }

    pub(super) fn python(code: &str) -> Self {
        Self::new("python", code)
    }

    /// A program that sleeps for longer than any limit.
    pub(super) fn sleeper() -> Self {
        Self::python("import time\ntime.sleep(1000)")
    }

    /// Limits its wall-clock time.
    #[must_use]
    pub fn wall(self, wall: Duration) -> Self {
        Self { wall, ..self }
    }

    /// Limits its CPU time.
    #[must_use]
    pub fn cpu(self, cpu: Duration) -> Self {
        Self { cpu, ..self }
    }

    /// Gives it input from the beginning.
    #[must_use]
    pub fn input(mut self, input: &str) -> Self {
        input.clone_into(&mut self.draft.input);
        self
    }

    /// Lets more input come while it runs.
    #[must_use]
    pub fn interactive(mut self) -> Self {
        self.draft.interactive = true;
        self
    }

    /// The request to this runner, for the execution with this number.
    pub fn request(&self, runner: &dyn CodeRunner, number: u128) -> RunRequest {
        self.request_for(runner.languages(), self.limits(runner), number)
    }

    /// The request to a runner with these languages.
    pub(super) fn request_for(
        &self,
        languages: Vec<LanguageSpec>,
        limits: Limits,
        number: u128,
    ) -> RunRequest {
        let policy = SubmissionPolicy {
            limits: LimitPolicy::new(limits, limits),
            input_max: ByteSize::from_mib(16),
            interactive_wall_time: Some(limits.run.wall_time()),
            ..submission_policy()
        };
        let catalog = LanguageCatalog::new(languages);
        let draft = self.draft.clone();
        let submission = Submission::parse(user("alice"), draft, &catalog, &policy);
        RunRequest {
            id: execution_id(number),
            attempt: Attempt::from_count(1),
            submission: Arc::new(submission.unwrap()),
        }
    }

    /// The limits that the program gets.
    pub(super) fn limits(&self, runner: &dyn CodeRunner) -> Limits {
        let time = self.compile_time;
        let asked = Limits {
            run: StageLimits::new(self.cpu, self.wall, self.memory, self.processes).unwrap(),
            compile: StageLimits::new(time, time, self.compile_memory, 32).unwrap(),
            storage: StorageLimits::new(self.output, self.file_size, self.disk, self.open_files)
                .unwrap(),
        };
        let policy = LimitPolicy::new(asked, asked);
        let policy = match (runner.maximum_limits(), self.asked_limits) {
            (Some(maximum), AskedLimits::WithinMaximum) => policy.capped_at(maximum),
            (Some(_), AskedLimits::BeyondMaximum) | (None, _) => policy,
        };
        *policy.default_limits()
    }

    /// Runs the program to its end and records its output.
    ///
    /// # Errors
    /// As the runner answers.
    pub async fn run_on(&self, runner: &dyn CodeRunner) -> Result<CompletedRun, RunnerError> {
        let (mut io, mut client) = closed_io();
        let report = self.run_with(runner, &mut io).await?;
        drop(io);
        let mut run = CompletedRun {
            report,
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: Vec::new(),
        };
        while let Some(event) = client.next_event().await {
            match event {
                ProgramEvent::Output(OutputStream::Stdout, bytes) => run.stdout.extend(bytes),
                ProgramEvent::Output(OutputStream::Stderr, bytes) => run.stderr.extend(bytes),
                ProgramEvent::Truncated(stream) => run.cut.push(stream),
                ProgramEvent::AwaitingInput => panic!("the program gets no input"),
            }
        }
        Ok(run)
    }

    /// Runs the program to its end with these streams.
    ///
    /// # Errors
    /// As the runner answers.
    pub async fn run_with(
        &self,
        runner: &dyn CodeRunner,
        io: &mut (dyn RunIo + '_),
    ) -> Result<Report, RunnerError> {
        within(Box::pin(runner.run(self.request(runner, 1), io))).await
    }

    /// Runs the program interactively to its end while a client acts on it.
    pub async fn run_interactively(
        self,
        runner: &dyn CodeRunner,
        act: impl AsyncFnOnce(&mut InteractiveClient),
    ) -> Report {
        let (mut io, mut client) = interactive_io();
        let request = self.interactive().request(runner, 1);
        // When the run is over its side is dropped, which ends the client's events.
        let running = async move { runner.run(request, &mut io).await };
        let acting = act(&mut client);
        let (report, ()) = within(Box::pin(async { tokio::join!(running, acting) })).await;
        report.unwrap()
    }
}

/// A report and the output of its program.
#[derive(Debug)]
pub struct CompletedRun {
    /// The report.
    pub report: Report,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: Vec<u8>,
    /// The streams that the runner has cut.
    pub cut: Vec<OutputStream>,
}

impl CompletedRun {
    /// Its stdout, which must be text.
    #[must_use]
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Its stderr as text.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl RunnerUnderTest {
    /// Runs a program to its end.
    pub(super) async fn run(&self, program: &Program) -> CompletedRun {
        program.run_on(&*self.runner).await.unwrap()
    }

    /// Waits until this many of its programs live.
    pub(super) async fn wait_until_running(&self, count: usize) {
        within(async {
            while (self.running_programs)() != count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }
}
