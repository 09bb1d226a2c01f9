//! The stand-in as a program of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{PROGRAM, client, program};

/// A running program, killed when it is dropped.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut url).unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }

    async fn execute(&self, body: &Value) -> reqwest::Result<(u16, String)> {
        let request = client()
            .post(format!("{}/api/v2/execute", self.url))
            .json(body);
        let response = request.send().await?;
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
async fn it_runs_python_and_c() {
    let running = Running::start(&["--run-timeout-ms", "15000", "--run-cpu-time-ms", "15000"]);
    for (language, code) in [
        ("python", "print('seven')"),
        (
            "c",
            "#include <stdio.h>\nint main(void) { puts(\"seven\"); }",
        ),
    ] {
        let (status, body) = running.execute(&program(language, code)).await.unwrap();
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["run"]["stdout"], "seven\n", "{body}");
        assert_eq!(body["language"], language);
    }
}

#[tokio::test]
async fn its_arguments_make_it_misbehave() {
    let running = Running::start(&[
        "--programs=fixed",
        "--script=reset,too-many-requests:7,good",
        "--fault=internal-server-error",
        "--authorization=x-key: secret",
    ]);
    let body = program("python", "");
    assert!(running.execute(&body).await.is_err());
    assert_eq!(running.execute(&body).await.unwrap().0, 429);
    assert_eq!(running.execute(&body).await.unwrap().0, 401);
    assert_eq!(running.execute(&body).await.unwrap(), (500, String::new()));
}

#[tokio::test]
async fn its_limits_are_settable() {
    let running = Running::start(&["--programs=fixed", "--run-timeout-ms=5"]);
    let mut body = program("python", "");
    body["run_timeout"] = json!(6);
    let (status, text) = running.execute(&body).await.unwrap();
    let expected = r#"{"message":"run_timeout cannot exceed the configured limit of 5"}"#;
    assert_eq!((status, text.as_str()), (400, expected));
}

#[test]
fn its_help_explains_every_option() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for option in [
        "--port",
        "--latency-ms",
        "--fault",
        "--script",
        "--output-max-size-bytes",
    ] {
        assert!(help.contains(option), "{help}");
    }
}
