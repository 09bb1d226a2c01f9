//! Programs to run, and whoever listens to them.

pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    Attempt, ByteSize, CodeRunner, InputWanted, LanguageCatalog, LimitPolicy, Limits, OutputStream,
    Report, RunInput, RunIo, RunRequest, RunnerError, StorageLimits, Submission, SubmissionDraft,
    SubmissionPolicy, testing,
};
use coderun_runner_http::{HttpRunner, HttpRunnerConfig, PistonConfig};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::timeout;

use server::{Piston, Reply};

/// How long anything here may take that should be quick.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Waits for something that must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it comes soon")
}

/// Asks again and again until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let asking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(
        timeout(SOON, asking).await.is_ok(),
        "it never came true that {what}"
    );
}

/// The settings of the tests.
pub(crate) fn config(piston: &Piston) -> HttpRunnerConfig {
    HttpRunnerConfig {
        start_timeout: Duration::from_secs(5),
        ..HttpRunnerConfig::new(piston.url())
    }
}

/// A Piston that is configured with the greatest limits of the tests.
pub(crate) fn piston_config() -> PistonConfig {
    PistonConfig {
        output_max: ByteSize::from_mib(4),
        run_timeout: Duration::from_mins(1),
        run_cpu_time: Duration::from_mins(1),
        compile_timeout: Duration::from_mins(1),
        compile_cpu_time: Duration::from_mins(1),
        ..PistonConfig::default()
    }
}

pub(crate) async fn start(config: HttpRunnerConfig) -> HttpRunner {
    HttpRunner::piston(config, piston_config()).await.unwrap()
}

/// A runner with the settings of the tests.
pub(crate) async fn runner(piston: &Piston) -> HttpRunner {
    start(config(piston)).await
}

/// A runner that gives up as soon as waiting would be needed.
pub(crate) async fn impatient(piston: &Piston) -> HttpRunner {
    start(HttpRunnerConfig {
        start_timeout: Duration::ZERO,
        ..config(piston)
    })
    .await
}

/// Languages as every Piston of the tests has them.
pub(crate) fn catalog() -> LanguageCatalog {
    let mut specs = testing::catalog().specs().to_vec();
    for spec in &mut specs {
        spec.versions = vec![
            if spec.language.as_str() == "c" {
                "10.2.0"
            } else {
                "3.12.0"
            }
            .to_owned(),
        ];
    }
    LanguageCatalog::new(specs)
}

pub(crate) fn limits() -> Limits {
    *testing::limit_policy().default_limits()
}

pub(crate) fn request_with(draft: SubmissionDraft, limits: Limits) -> RunRequest {
    let policy = SubmissionPolicy {
        limits: LimitPolicy::new(limits, limits),
        ..testing::submission_policy()
    };
    let submission = Submission::parse(testing::user("alice"), draft, &catalog(), &policy);
    RunRequest {
        id: testing::execution_id(1),
        attempt: Attempt::from_count(1),
        submission: Arc::new(submission.unwrap()),
    }
}

/// A program in Python.
pub(crate) fn request() -> RunRequest {
    request_with(testing::draft(), limits())
}

/// A program that may write so much.
pub(crate) fn request_with_output(output: ByteSize) -> RunRequest {
    let all = limits().storage;
    let storage = StorageLimits::new(output, all.file_size(), all.disk(), 64).unwrap();
    request_with(
        testing::draft(),
        Limits {
            storage,
            ..limits()
        },
    )
}

/// Runs a program and answers what came of it.
pub(crate) async fn run(runner: &HttpRunner) -> Result<Report, RunnerError> {
    run_with(runner, request(), &mut Listener::default()).await
}

pub(crate) async fn run_with(
    runner: &HttpRunner,
    request: RunRequest,
    listener: &mut Listener,
) -> Result<Report, RunnerError> {
    soon(runner.run(request, listener)).await
}

/// Keeps all output, and cancels when told to.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) cut: Vec<OutputStream>,
    pub(crate) cancel: Arc<Notify>,
    is_cancelled: bool,
}

#[async_trait]
impl RunIo for Listener {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        match stream {
            OutputStream::Stdout => self.stdout.extend_from_slice(&bytes),
            OutputStream::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }

    fn cut(&mut self, stream: OutputStream) {
        self.cut.push(stream);
    }

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        assert_eq!(wanted, InputWanted::Cancel, "nothing else can be passed on");
        if self.is_cancelled {
            std::future::pending::<()>().await;
        }
        self.cancel.notified().await;
        self.is_cancelled = true;
        RunInput::Cancel
    }

    async fn awaiting_input(&mut self) {
        panic!("it cannot be seen");
    }
}

/// A good answer with these changes to its run.
pub(crate) fn answer(changes: &serde_json::Value) -> Reply {
    let mut run = json!({
        "stdout": "out\n", "stderr": "", "output": "out\n", "code": 0, "signal": null, "message": null,
        "status": null, "cpu_time": 11, "wall_time": 29, "memory": 1_204_000,
    });
    for (name, value) in changes.as_object().unwrap() {
        run[name] = value.clone();
    }
    Reply::json(
        200,
        &json!({"run": run, "language": "python", "version": "3.12.0"}),
    )
}
