//! Starts stand-ins and sends them programs.

use std::path::PathBuf;
use std::time::Duration;

use coderun_piston_standin::{PistonLimits, PistonStandin, StandinOptions};
use coderun_runner_sandbox::SandboxConfig;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// The longest that any step of a test may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// The program that this crate builds, which is its own launcher.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_coderun-piston-standin");

/// The sandbox of the tests.
pub(crate) fn sandbox() -> SandboxConfig {
    SandboxConfig {
        launcher: PathBuf::from(PROGRAM),
        ..SandboxConfig::default()
    }
}

/// A stand-in that runs programs, with limits on time that hold on a slow machine.
pub(crate) async fn sandboxed() -> PistonStandin {
    start(StandinOptions {
        sandbox: Some(sandbox()),
        limits: PistonLimits {
            run_timeout_ms: 15_000,
            run_cpu_time_ms: 15_000,
            compile_timeout_ms: 15_000,
            compile_cpu_time_ms: 15_000,
            ..PistonLimits::STOCK
        },
        ..StandinOptions::default()
    })
    .await
}

pub(crate) async fn start(options: StandinOptions) -> PistonStandin {
    PistonStandin::start(options).await.unwrap()
}

/// A program of one file.
pub(crate) fn program(language: &str, code: &str) -> Value {
    json!({"language": language, "version": "*", "files": [{"name": "main", "content": code}]})
}

/// A program with another field in its request.
pub(crate) fn with_field(mut program: Value, name: &str, value: Value) -> Value {
    program[name] = value;
    program
}

pub(crate) fn client() -> Client {
    Client::builder().timeout(TIMEOUT).build().unwrap()
}

/// The request that sends a program to the stand-in with this address.
pub(crate) fn execute(url: &str, body: &Value) -> RequestBuilder {
    client().post(format!("{url}/api/v2/execute")).json(body)
}

/// Sends a program and reads the answer.
pub(crate) async fn answer(piston: &PistonStandin, body: &Value) -> (StatusCode, String) {
    let response = execute(&piston.url(), body).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// The result of a program that is taken.
pub(crate) async fn run(piston: &PistonStandin, body: &Value) -> Value {
    let (status, result) = answer(piston, body).await;
    assert_eq!(status, 200, "{result}");
    serde_json::from_str(&result).unwrap()
}
