//! The runner against the stand-in, which speaks as the real Piston does and counts what it begins.

use std::time::Duration;

use coderun_domain::{ByteSize, CodeRunner, RunnerError, Verdict};
use coderun_piston_standin::{Behavior, PistonLimits, PistonStandin, Reply, StandinOptions};
use coderun_runner_http::{ApiKey, HttpRunner, HttpRunnerConfig, PistonConfig};
use rstest::rstest;
use serde_json::json;

use crate::support::run;

fn config(piston: &PistonStandin) -> HttpRunnerConfig {
    HttpRunnerConfig {
        start_timeout: Duration::from_secs(5),
        answer_grace: Duration::from_millis(100),
        ..HttpRunnerConfig::new(piston.api_url())
    }
}

/// A runner that takes it for a stock Piston.
async fn start(config: HttpRunnerConfig) -> HttpRunner {
    HttpRunner::piston(config, PistonConfig::default())
        .await
        .unwrap()
}

async fn standin(limits: PistonLimits) -> PistonStandin {
    let options = StandinOptions {
        limits,
        ..StandinOptions::default()
    };
    PistonStandin::start(options).await.unwrap()
}

/// A Piston on which a lost run is over soon.
async fn short_lived() -> (PistonStandin, HttpRunner) {
    let piston = standin(PistonLimits {
        run_timeout_ms: 100,
        ..PistonLimits::STOCK
    })
    .await;
    let limits = PistonConfig {
        run_timeout: Duration::from_millis(100),
        ..PistonConfig::default()
    };
    let runner = HttpRunner::piston(config(&piston), limits).await.unwrap();
    (piston, runner)
}

#[tokio::test]
async fn the_limits_of_a_stock_piston_are_the_defaults() {
    let piston = standin(PistonLimits::STOCK).await;
    let runner = start(config(&piston)).await;
    let languages = runner.languages();
    let names: Vec<_> = languages
        .iter()
        .map(|spec| spec.language.as_str())
        .collect();
    assert_eq!(names, ["python", "javascript", "c", "cpp", "bash"]);
    let maximum = runner.maximum_limits().unwrap();
    assert_eq!(maximum.run.cpu_time(), Duration::from_secs(3));
    assert_eq!(maximum.run.wall_time(), Duration::from_secs(3));
    assert_eq!(maximum.compile.cpu_time(), Duration::from_secs(10));
    assert_eq!(maximum.compile.wall_time(), Duration::from_secs(10));
    assert_eq!(maximum.storage.output(), ByteSize::from_kib(1));
    assert!(piston.programs().is_empty());
}

#[tokio::test]
async fn limits_of_memory_are_those_of_the_settings() {
    let piston = standin(PistonLimits {
        run_memory_limit_bytes: 64 << 20,
        compile_memory_limit_bytes: 128 << 20,
        ..PistonLimits::STOCK
    })
    .await;
    let limits = PistonConfig {
        run_memory: Some(ByteSize::from_mib(64)),
        compile_memory: Some(ByteSize::from_mib(128)),
        ..PistonConfig::default()
    };
    let runner = HttpRunner::piston(config(&piston), limits).await.unwrap();
    let maximum = runner.maximum_limits().unwrap();
    assert_eq!(Some(maximum.run.memory()), limits.run_memory);
    assert_eq!(Some(maximum.compile.memory()), limits.compile_memory);
    assert_eq!(run(&runner).await.unwrap().verdict, Verdict::Accepted);
}

#[tokio::test]
async fn a_key_that_is_wanted_is_given() {
    let options = StandinOptions {
        required_header: Some(("x-key".to_owned(), "s3cret".to_owned())),
        ..StandinOptions::default()
    };
    let piston = PistonStandin::start(options).await.unwrap();
    let without = start(config(&piston)).await;
    assert!(without.check().await.is_err());
    let with = start(HttpRunnerConfig {
        api_key: ApiKey::parse("s3cret").ok(),
        api_key_header: "x-key".to_owned(),
        ..config(&piston)
    })
    .await;
    assert!(with.check().await.is_ok());
    assert_eq!(run(&with).await.unwrap().verdict, Verdict::Accepted);
}

/// Only what a program wrote makes an answer so large.
#[tokio::test]
async fn an_answer_that_is_too_large_is_a_flood() {
    let (piston, runner) = short_lived().await;
    let huge = Reply::success(&"x".repeat(50 << 20));
    piston.script([huge]);
    let report = run(&runner).await.unwrap();
    assert_eq!(report.verdict, Verdict::OutputLimit);
    assert!(report.hint.unwrap().contains("16 MiB"));
    assert_eq!(piston.programs().len(), 1);
}

#[rstest]
#[case::internal_error(Reply::status(500))]
#[case::gateway(Reply::status(502).body("<html>"))]
#[case::empty(Reply::status(200))]
#[case::html(Reply::status(200).body("<html>"))]
#[case::types(Reply::json(200, &json!({"run": {"stdout": 7}})))]
#[case::fields(Reply::json(200, &json!({"run": {}})))]
#[case::reset(Reply::reset())]
#[case::truncated(Reply::success("x").truncated())]
#[case::never(Reply::never())]
#[case::slow(Reply::success("x").byte_by_byte(Duration::from_secs(1)))]
#[tokio::test]
async fn what_was_run_and_lost_is_not_run_again(#[case] reply: Reply) {
    let (piston, runner) = short_lived().await;
    piston.script([Behavior::RunThenReply(reply)]);
    let answer = run(&runner).await;
    let is_failure = match &answer {
        Ok(report) => report.verdict == Verdict::InternalError,
        Err(error) => matches!(error, RunnerError::Unavailable { .. }),
    };
    assert!(is_failure, "{answer:?}");
    assert_eq!(piston.programs().len(), 1);
}
