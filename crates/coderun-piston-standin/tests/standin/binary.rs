//! Runs the stand-in as a program of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{PROGRAM, execute, program, with_field};

/// A running stand-in, killed when it is dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["--port", "0"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut url).unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    async fn execute(&self, body: &Value) -> reqwest::Result<(u16, String)> {
        let response = execute(&self.url, body).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn it_runs_python() {
    let running = Running::start(&["--run-timeout-ms", "15000"]);
    let body = program("python", "print('seven')");
    let (status, result) = running.execute(&body).await.unwrap();
    assert_eq!(status, 200, "{result}");
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["run"]["stdout"], "seven\n");
}

#[tokio::test]
async fn its_arguments_set_limits_and_faults() {
    let running = Running::start(&[
        "--fixed-stdout=x",
        "--run-timeout-ms=5",
        "--script=reset,429:7,run",
        "--fault=500",
    ]);
    let body = program("python", "");
    let too_long = with_field(body.clone(), "run_timeout", json!(6));
    let refusal = r#"{"message":"run_timeout cannot exceed the configured limit of 5"}"#;
    let refused = running.execute(&too_long).await.unwrap();
    assert_eq!(refused, (400, refusal.to_owned()));
    assert!(running.execute(&body).await.is_err());
    for status in [429, 200, 500, 500] {
        assert_eq!(running.execute(&body).await.unwrap().0, status);
    }
}
