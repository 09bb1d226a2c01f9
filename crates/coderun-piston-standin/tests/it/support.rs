//! Stand-ins, and a client that asks them.

use std::path::PathBuf;
use std::time::Duration;

use coderun_piston_standin::{FixedResult, PistonStandin, Programs, StageResult, StandinOptions};
use coderun_runner_sandbox::SandboxConfig;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How long anything here may take that should be quick.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The program that this crate builds, which is its own launcher.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_coderun-piston-standin");

/// A stand-in that runs nothing.
pub(crate) async fn fixed() -> Asked {
    with(StandinOptions::default()).await
}

/// A stand-in that runs nothing and takes so long for it.
pub(crate) fn taking(takes: Duration) -> StandinOptions {
    let result = FixedResult {
        takes,
        ..FixedResult::of_run(StageResult::exited(0, "done\n"))
    };
    StandinOptions {
        programs: Programs::Fixed(result),
        ..StandinOptions::default()
    }
}

/// Options of a stand-in that runs programs.
pub(crate) fn sandboxed() -> StandinOptions {
    let config = SandboxConfig {
        launcher: PathBuf::from(PROGRAM),
        search_path: vec![PathBuf::from("/usr/bin"), PathBuf::from("/bin")],
        ..SandboxConfig::default()
    };
    StandinOptions {
        programs: Programs::Sandboxed(config),
        ..StandinOptions::default()
    }
}

pub(crate) async fn with(options: StandinOptions) -> Asked {
    let standin = PistonStandin::start(options).await.unwrap();
    Asked {
        url: standin.url(),
        standin,
        client: client(),
        tasks: TaskTracker::new(),
    }
}

/// A client that waits until a test has failed.
pub(crate) fn client() -> Client {
    Client::builder().timeout(SOON).build().unwrap()
}

/// A stand-in and a client.
pub(crate) struct Asked {
    pub(crate) standin: PistonStandin,
    pub(crate) url: String,
    client: Client,
    tasks: TaskTracker,
}

impl Asked {
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub(crate) fn request(&self, body: &Value) -> RequestBuilder {
        self.post("/api/v2/execute").json(body)
    }

    /// Asks for a program to be run, without waiting for the answer.
    pub(crate) fn begin(&self, body: &Value) -> JoinHandle<reqwest::Result<Response>> {
        self.tasks.spawn(self.request(body).send())
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.client.get(format!("{}{path}", self.url)).send();
        let response = response.await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    pub(crate) async fn execute(&self, body: &Value) -> (StatusCode, Value) {
        let response = self.request(body).send().await.unwrap();
        let status = response.status();
        (
            status,
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
        )
    }

    /// The result of a program that is run well.
    pub(crate) async fn run(&self, body: &Value) -> Value {
        let (status, result) = self.execute(body).await;
        assert_eq!(status, 200, "{result}");
        result
    }
}

/// A program of one file.
pub(crate) fn program(language: &str, code: &str) -> Value {
    json!({"language": language, "version": "*", "files": [{"name": "main", "content": code}]})
}

/// A program with something else in its request.
pub(crate) fn with_field(mut program: Value, name: &str, value: Value) -> Value {
    program[name] = value;
    program
}
