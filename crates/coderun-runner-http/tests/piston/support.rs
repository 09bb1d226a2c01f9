//! Starts a fake Piston and a runner, and runs programs on them.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::CollectingIo;
use coderun_domain::{
    Attempt, ByteSize, CodeRunner, LanguageCatalog, LimitPolicy, Limits, Report, RunRequest,
    RunnerError, StageLimits, StorageLimits, Submission, SubmissionDraft, SubmissionPolicy,
    testing,
};
use coderun_piston_standin::{PistonLimits, PistonStandin, Reply, Runtime, StandinOptions};
use coderun_runner_http::{HttpRunner, HttpRunnerConfig, PistonConfig};
use serde_json::{Value, json};
use tokio::time::timeout;

/// The longest that a test waits for something that must happen.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let output = timeout(TIMEOUT, future).await;
    output.unwrap_or_else(|_| panic!("nothing happened within {TIMEOUT:?}"))
}

/// Polls until a condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let polling = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(timeout(TIMEOUT, polling).await.is_ok(), "never: {what}");
}

/// The runtimes of the fake Piston, as it lists them.
pub(crate) fn runtimes() -> Vec<Runtime> {
    vec![
        Runtime::new("python", "3.9.4", &["py"]),
        Runtime::new("python", "3.12.0", &["py"]),
        Runtime::new("c", "10.2.0", &["gcc"]),
    ]
}

fn options() -> StandinOptions {
    let minute_ms = 60_000;
    StandinOptions {
        fixed_stdout: "out\n".to_owned(),
        runtimes: Some(runtimes()),
        limits: PistonLimits {
            compile_timeout_ms: minute_ms,
            run_timeout_ms: minute_ms,
            compile_cpu_time_ms: minute_ms,
            run_cpu_time_ms: minute_ms,
            ..PistonLimits::STOCK
        },
        ..StandinOptions::default()
    }
}

pub(crate) async fn start_piston() -> PistonStandin {
    start_piston_on(0).await
}

/// Starts a Piston where another one was.
pub(crate) async fn start_piston_on(port: u16) -> PistonStandin {
    let options = StandinOptions { port, ..options() };
    PistonStandin::start(options).await.unwrap()
}

pub(crate) fn config(piston: &PistonStandin) -> HttpRunnerConfig {
    HttpRunnerConfig {
        start_timeout: Duration::from_secs(5),
        ..HttpRunnerConfig::new(piston.api_url())
    }
}

/// The limits of the fake Piston.
pub(crate) fn piston_config() -> PistonConfig {
    let minute = Duration::from_mins(1);
    PistonConfig {
        output_max: ByteSize::from_mib(4),
        run_timeout: minute,
        run_cpu_time: minute,
        compile_timeout: minute,
        compile_cpu_time: minute,
        ..PistonConfig::default()
    }
}

pub(crate) async fn start(config: HttpRunnerConfig) -> HttpRunner {
    HttpRunner::piston(config, piston_config()).await.unwrap()
}

/// A Piston and a runner.
pub(crate) async fn setup() -> (PistonStandin, HttpRunner) {
    setup_with(|_| ()).await
}

/// A Piston, and a runner with these changes to its settings.
pub(crate) async fn setup_with(
    change: impl FnOnce(&mut HttpRunnerConfig),
) -> (PistonStandin, HttpRunner) {
    let piston = start_piston().await;
    let mut config = config(&piston);
    change(&mut config);
    (piston, start(config).await)
}

/// Waits about two seconds for an answer to a program with [`short_limits`].
pub(crate) fn short_deadlines(config: &mut HttpRunnerConfig) {
    config.connect_timeout = Duration::from_secs(2);
    config.answer_grace = Duration::from_millis(50);
}

pub(crate) fn limits() -> Limits {
    *testing::limit_policy().default_limits()
}

/// Limits that end a program after a tenth of a second.
pub(crate) fn short_limits() -> Limits {
    let tenth = Duration::from_millis(100);
    let stage = StageLimits::new(tenth, tenth, ByteSize::from_mib(64), 8).unwrap();
    Limits {
        run: stage,
        compile: stage,
        ..limits()
    }
}

/// Limits on the output alone.
pub(crate) fn output_limit(output: ByteSize) -> Limits {
    let all = limits().storage;
    let storage = StorageLimits::new(output, all.file_size(), all.disk(), 64).unwrap();
    Limits {
        storage,
        ..limits()
    }
}

pub(crate) fn request_with(draft: SubmissionDraft, limits: Limits) -> RunRequest {
    let mut specs = testing::catalog().specs().to_vec();
    for spec in &mut specs {
        let is_c = spec.language.as_str() == "c";
        spec.versions = vec![if is_c { "10.2.0" } else { "3.12.0" }.to_owned()];
    }
    let policy = SubmissionPolicy {
        limits: LimitPolicy::new(limits, limits),
        ..testing::submission_policy()
    };
    let catalog = LanguageCatalog::new(specs);
    let submission = Submission::parse(testing::user("alice"), draft, &catalog, &policy);
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

pub(crate) async fn run(runner: &HttpRunner) -> Result<Report, RunnerError> {
    run_with(runner, request(), &mut CollectingIo::default()).await
}

/// Runs a program with these limits.
pub(crate) async fn run_within(
    runner: &HttpRunner,
    limits: Limits,
) -> Result<(Report, CollectingIo), RunnerError> {
    let mut io = CollectingIo::default();
    let report = run_with(runner, request_with(testing::draft(), limits), &mut io).await?;
    Ok((report, io))
}

/// Runs a program in Python or another language to its end.
pub(crate) async fn run_draft(runner: &HttpRunner, draft: SubmissionDraft) -> Report {
    let request = request_with(draft, limits());
    let report = run_with(runner, request, &mut CollectingIo::default()).await;
    report.unwrap()
}

pub(crate) async fn run_with(
    runner: &HttpRunner,
    request: RunRequest,
    io: &mut CollectingIo,
) -> Result<Report, RunnerError> {
    let result = within(runner.run(request, &mut *io)).await;
    assert!(!io.is_closed, "only a cancellation can be passed on");
    assert_eq!(io.awaited, 0, "the API does not show it");
    result
}

/// Runs a short program that gets this reply, and checks that it is sent once.
pub(crate) async fn run_against(reply: Reply) -> Result<Report, RunnerError> {
    let (piston, runner) = setup_with(short_deadlines).await;
    piston.script([reply]);
    let result = run_within(&runner, short_limits()).await;
    assert_eq!(piston.programs().len(), 1, "it is sent once");
    result.map(|(report, _)| report)
}

pub(crate) fn assert_unavailable<T: std::fmt::Debug>(
    result: Result<T, RunnerError>,
    expected: &str,
) {
    match result {
        Err(RunnerError::Unavailable { reason, .. }) => {
            assert!(reason.contains(expected), "{reason}");
        }
        result => panic!("{result:?}"),
    }
}

pub(crate) fn assert_overloaded<T: std::fmt::Debug>(
    result: Result<T, RunnerError>,
) -> Option<Duration> {
    match result {
        Err(RunnerError::Overloaded { retry_after }) => retry_after,
        result => panic!("{result:?}"),
    }
}

/// A successful answer with these changes to its run.
pub(crate) fn answer(changes: &Value) -> Reply {
    let mut run = json!({
        "stdout": "out\n", "stderr": "", "output": "out\n", "code": 0, "signal": null, "message": null,
        "status": null, "cpu_time": 11, "wall_time": 29, "memory": 1_204_000,
    });
    for (name, value) in changes.as_object().unwrap() {
        run[name] = value.clone();
    }
    let answer = json!({"run": run, "language": "python", "version": "3.12.0"});
    Reply::json(200, &answer)
}
