//! How soon a running program is heard, in milliseconds: medians of what one program tells.
//!
//! Prints one line a question. `cargo bench -p coderun-runner-sandbox --bench latency`; an argument that is a number says how
//! often.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    Attempt, CodeRunner, InputWanted, LanguageCatalog, OutputStream, RunInput, RunIo, RunRequest,
    Submission, SubmissionDraft, testing,
};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let times = std::env::args().find_map(|argument| argument.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure_all(times.unwrap_or(100)))
}

async fn measure_all(times: usize) -> Result<(), Failure> {
    let runner = SandboxRunner::start(SandboxConfig {
        launcher: PathBuf::from(env!("CARGO_BIN_EXE_coderun-sandbox-launcher")),
        ..SandboxConfig::default()
    })
    .await?;
    let code = format!(
        "import time\nfor _ in range({times}): print(time.monotonic_ns()); input(); time.sleep(0.003)"
    );
    let mut listener = Listener::default();
    runner.run(request(&runner, code)?, &mut listener).await?;
    print_row("from a write to `output`", &mut listener.heard);
    print_row("from a read to `awaiting_input`", &mut listener.awaited);
    Ok(())
}

fn request(runner: &SandboxRunner, code: String) -> Result<RunRequest, Failure> {
    let draft = SubmissionDraft {
        code,
        language: "python".to_owned(),
        interactive: true,
        ..SubmissionDraft::default()
    };
    let catalog = LanguageCatalog::new(runner.languages());
    let policy = testing::submission_policy();
    let submission = Submission::parse(testing::user("bench"), draft, &catalog, &policy)?;
    Ok(RunRequest {
        id: testing::execution_id(1),
        attempt: Attempt::from_count(1),
        submission: Arc::new(submission),
    })
}

/// Compares the time at which a program wrote or began to read, which it writes itself, with the time at which that is
/// heard. Answers as soon as it may.
#[derive(Default)]
struct Listener {
    written_at: Duration,
    heard: Vec<Duration>,
    awaited: Vec<Duration>,
    is_awaited: bool,
}

#[async_trait]
impl RunIo for Listener {
    async fn output(&mut self, _stream: OutputStream, bytes: Bytes) {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(nanos) = text.trim().parse() {
            self.written_at = Duration::from_nanos(nanos);
            self.heard.push(now().saturating_sub(self.written_at));
        }
    }

    fn cut(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        if !self.is_awaited {
            std::future::pending::<()>().await;
        }
        self.is_awaited = false;
        RunInput::Data(Bytes::from_static(b"\n"))
    }

    async fn awaiting_input(&mut self) {
        self.awaited.push(now().saturating_sub(self.written_at));
        self.is_awaited = true;
    }
}

/// By the clock that programs in a sandbox share.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| {
        let time = times.get(times.len() * part / 100).copied();
        time.unwrap_or_default().as_secs_f64() * 1e3
    };
    println!("{name:32} median {:>6.2}  95% {:>6.2}", at(50), at(95));
}
