//! Runs programs in the sandbox of coderun and reports them in Piston's words.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    Attempt, BackendError, CodeRunner, CompileReport, ExecutionId, ExitStatus, InputWanted,
    LanguageSpec, OutputStream, Report, RunInput, RunIo, RunRequest, Signal, Usage, Verdict,
};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};
use uuid::Uuid;

use crate::capture::Capture;
use crate::program::Program;
use crate::stage::{ExecuteResult, Stage};

/// As many programs at a time as a stock Piston runs; the others wait.
const SLOTS: usize = 64;

/// The sandbox, and the cap on output that Piston has beside it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    runner: SandboxRunner,
    output_max_bytes: usize,
    last_id: AtomicU64,
}

impl Sandbox {
    pub(crate) async fn start(config: SandboxConfig, output_max_bytes: usize) -> io::Result<Self> {
        let config = SandboxConfig {
            slots: SLOTS,
            slot_wait: Duration::from_hours(1),
            ..config
        };
        let runner = SandboxRunner::start(config).await;
        Ok(Self {
            runner: runner.map_err(io::Error::other)?,
            output_max_bytes,
            last_id: AtomicU64::new(0),
        })
    }

    pub(crate) fn languages(&self) -> Vec<LanguageSpec> {
        self.runner.languages()
    }

    /// Runs a program. Dropping the future kills it.
    pub(crate) async fn run(&self, program: &Program) -> Result<ExecuteResult, BackendError> {
        let number = self.last_id.fetch_add(1, Ordering::Relaxed);
        let request = RunRequest {
            id: ExecutionId::from_uuid(Uuid::from_u128(number.into())),
            attempt: Attempt::from_count(1),
            submission: Arc::clone(&program.submission),
        };
        let mut io = CapturingIo {
            capture: Capture::new(self.output_max_bytes),
            is_input_closed: false,
            is_cancelled: false,
        };
        let report = self.runner.run(request, &mut io).await?;
        if report.verdict == Verdict::InternalError {
            return Err("the sandbox failed".into());
        }
        let compile = report
            .compile
            .as_ref()
            .map(|it| self.compile_stage(&report, it));
        let run = match (report.exit_status, &compile) {
            (Some(exit_status), _) => stage(report.verdict, exit_status, report.usage, io.capture),
            (None, Some(compile)) => compile.clone(),
            (None, None) => return Err("the sandbox did not start the program".into()),
        };
        Ok(ExecuteResult {
            compile,
            run,
            language: program.runtime.language.clone(),
            version: program.runtime.version.clone(),
        })
    }

    fn compile_stage(&self, report: &Report, compile: &CompileReport) -> Stage {
        let mut capture = Capture::new(self.output_max_bytes);
        for (stream, output) in [
            (OutputStream::Stdout, &compile.output),
            (OutputStream::Stderr, &compile.error_output),
        ] {
            for line in output.bytes().split_inclusive(|byte| *byte == b'\n') {
                capture.take(stream, line);
            }
        }
        let verdict = match report.exit_status {
            Some(_) => Verdict::Accepted,
            None => report.verdict,
        };
        let exit_status = compile
            .exit_status
            .unwrap_or(ExitStatus::Signaled(Signal::KILL));
        stage(verdict, exit_status, compile.usage, capture)
    }
}

/// The result of a stage: the cap on output comes before the limit on time, and that before the exit code.
fn stage(verdict: Verdict, exit_status: ExitStatus, usage: Usage, capture: Capture) -> Stage {
    let code = match exit_status {
        ExitStatus::Exited(code) => code,
        // Each of Piston's packages starts programs from a shell, which outlives them.
        ExitStatus::Signaled(signal) => 128_i32.saturating_add(signal.number()),
    };
    let killed = |status, message: &str| (None, Some(status), Some(message.to_owned()));
    let (code, status, message) = match (capture.exceeded, verdict) {
        (Some(OutputStream::Stdout), _) => killed("OL", "stdout length exceeded"),
        (Some(OutputStream::Stderr), _) => killed("EL", "stderr length exceeded"),
        (None, Verdict::TimeLimit) => killed("TO", "Time limit exceeded"),
        (None, _) if code == 0 => (Some(0), None, None),
        (None, _) => {
            let message = format!("Exited with error status {code}");
            (Some(code), Some("RE"), Some(message))
        }
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    Stage {
        signal: code.is_none().then(|| Signal::KILL.to_string()),
        stdout: capture.stdout,
        stderr: capture.stderr,
        code,
        output: capture.output,
        memory: usage.memory.map(|memory| memory.as_bytes() / 1024 * 1000),
        message,
        status,
        cpu_time: usage.cpu_time.map(milliseconds),
        wall_time: usage.wall_time.map(milliseconds),
    }
}

/// Captures output up to the cap, and cancels a program that writes more.
struct CapturingIo {
    capture: Capture,
    is_input_closed: bool,
    is_cancelled: bool,
}

#[async_trait]
impl RunIo for CapturingIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        self.capture.take(stream, &bytes);
    }

    fn mark_truncated(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        if !self.is_input_closed && wanted == InputWanted::Anything {
            self.is_input_closed = true;
            return RunInput::Closed;
        }
        if self.capture.exceeded.is_some() && !self.is_cancelled {
            self.is_cancelled = true;
            return RunInput::Cancel;
        }
        std::future::pending().await
    }

    async fn awaiting_input(&mut self) {}
}
