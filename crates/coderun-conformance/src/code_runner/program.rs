//! Builds programs, runs them and records their output.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::testing::{execution_id, submission_policy, user};
use coderun_domain::{
    Attempt, ByteSize, InputWanted, LanguageCatalog, LanguageSpec, LimitPolicy, Limits,
    OutputStream, Report, RunInput, RunIo, RunRequest, RunnerError, StageLimits, StorageLimits,
    Submission, SubmissionDraft, SubmissionPolicy,
};
use tokio::sync::Notify;

use super::RunnerUnderTest;
use crate::fixtures::within;

/// A program and its limits, which are small unless a clause says otherwise.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) draft: SubmissionDraft,
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    pub(super) memory: ByteSize,
    pub(super) output: ByteSize,
    /// CPU and wall-clock time of the compiler.
    pub(super) compile_time: Duration,
    pub(super) compile_memory: ByteSize,
    /// Whether the limits may be above the runner's own.
    pub(super) asked_limits: AskedLimits,
}

/// Whether a program asks for more than the maximum limits of the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedLimits {
    /// It asks for at most the maximum.
    WithinMaximum,
    /// It may ask for more.
    BeyondMaximum,
}

impl Program {
    pub(super) fn new(language: &str, code: &str) -> Self {
        Self {
            draft: SubmissionDraft {
                code: code.to_owned(),
                language: language.to_owned(),
                ..SubmissionDraft::default()
            },
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(15),
            memory: ByteSize::from_mib(256),
            output: ByteSize::from_kib(64),
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

    pub(super) fn wall(self, wall: Duration) -> Self {
        Self { wall, ..self }
    }

    pub(super) fn input(mut self, input: &str) -> Self {
        input.clone_into(&mut self.draft.input);
        self
    }

    /// More input may come while it runs.
    pub(super) fn interactive(mut self) -> Self {
        self.draft.interactive = true;
        self
    }

    /// The request to this runner.
    pub(super) fn request(&self, under_test: &RunnerUnderTest, number: u128) -> RunRequest {
        let languages = under_test.runner.languages();
        self.request_for(languages, self.limits(under_test), number)
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
    pub(super) fn limits(&self, under_test: &RunnerUnderTest) -> Limits {
        let (file, disk) = (ByteSize::from_mib(8), ByteSize::from_mib(512));
        let time = self.compile_time;
        let asked = Limits {
            run: StageLimits::new(self.cpu, self.wall, self.memory, 32).unwrap(),
            compile: StageLimits::new(time, time, self.compile_memory, 32).unwrap(),
            storage: StorageLimits::new(self.output, file, disk, 64).unwrap(),
        };
        let policy = LimitPolicy::new(asked, asked);
        let policy = match (under_test.runner.maximum_limits(), self.asked_limits) {
            (Some(maximum), AskedLimits::WithinMaximum) => policy.capped_at(maximum),
            (Some(_), AskedLimits::BeyondMaximum) | (None, _) => policy,
        };
        *policy.default_limits()
    }
}

/// A report and the output of its program.
#[derive(Debug)]
pub(super) struct CompletedRun {
    pub(super) report: Report,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) cut: Vec<OutputStream>,
}

impl CompletedRun {
    pub(super) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(super) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl RunnerUnderTest {
    /// Runs a program to its end.
    pub(super) async fn run(&self, program: &Program) -> CompletedRun {
        let mut io = RecordingIo::default();
        let report = self.try_run(program, &mut io).await.unwrap();
        CompletedRun {
            report,
            stdout: io.stdout,
            stderr: io.stderr,
            cut: io.cut,
        }
    }

    pub(super) async fn try_run(
        &self,
        program: &Program,
        io: &mut RecordingIo,
    ) -> Result<Report, RunnerError> {
        let request = program.request(self, 1);
        within(Box::pin(self.runner.run(request, io))).await
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

/// Keeps all output; gives no input; cancels when told to.
#[derive(Debug, Default)]
pub(super) struct RecordingIo {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) cut: Vec<OutputStream>,
    pub(super) cancel: Arc<Notify>,
    next: Next,
}

#[derive(Debug, Clone, Copy, Default)]
enum Next {
    #[default]
    Closed,
    Cancel,
    Nothing,
}

#[async_trait]
impl RunIo for RecordingIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        match stream {
            OutputStream::Stdout => self.stdout.extend_from_slice(&bytes),
            OutputStream::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }

    fn mark_truncated(&mut self, stream: OutputStream) {
        self.cut.push(stream);
    }

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        match (self.next, wanted) {
            (Next::Closed, InputWanted::Anything) => {
                self.next = Next::Cancel;
                RunInput::Closed
            }
            (Next::Closed, InputWanted::Cancel) | (Next::Cancel, _) => {
                self.cancel.notified().await;
                self.next = Next::Nothing;
                RunInput::Cancel
            }
            (Next::Nothing, _) => std::future::pending().await,
        }
    }

    async fn awaiting_input(&mut self) {
        panic!("the program gets no input");
    }
}
