//! Measures the time from a program's write to the client's read, with the real binary and its sandbox.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use reqwest::Client;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// Prints the time repeatedly, with pauses longer than the interval of output events.
const PROGRAM: &str = "import time\nfor _ in range(100):\n    print(time.time_ns(), flush=True)\n    time.sleep(0.05)";

/// Starts the service, runs the program, and prints the age of each line when it is read.
pub(crate) async fn measure_live_output(directory: &std::path::Path) -> std::io::Result<()> {
    let (service, address) = start(directory)?;
    let token = token(directory)?;
    let mut ages = watch(&address, &token).await;
    drop(service);
    ages.sort_unstable();
    println!(
        "from a program's write to its reader: median {:?}, 95 % within {:?}, at most {:?} ({} lines)",
        ages[ages.len() / 2],
        ages[ages.len() * 95 / 100],
        ages.last().expect("some lines"),
        ages.len()
    );
    Ok(())
}

/// A service that is killed when it is dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn coderun(directory: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coderun"));
    command.env("STATE_DIR", directory);
    command
}

fn start(directory: &std::path::Path) -> std::io::Result<(Service, String)> {
    let mut child = coderun(directory)
        .envs([("PORT", "0"), ("LOG_FORMAT", "json")])
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = child.stderr.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    let service = Service(child);
    let mut lines = BufReader::new(stderr).lines();
    let address = loop {
        let line = lines.next().ok_or(std::io::ErrorKind::UnexpectedEof)??;
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        if event["message"] == "listening" {
            break event["address"].as_str().unwrap_or_default().to_owned();
        }
    };
    // The pipe of the log must not fill up.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((service, address))
}

fn token(directory: &std::path::Path) -> std::io::Result<String> {
    let printed = coderun(directory).arg("token").output()?;
    let token = String::from_utf8(printed.stdout).map_err(std::io::Error::other)?;
    Ok(token.trim_end().to_owned())
}

async fn watch(address: &str, token: &str) -> Vec<Duration> {
    let client = Client::builder().no_proxy().build().expect("a client");
    let submission = json!({"code": PROGRAM, "language": "python"});
    let url = format!("http://{address}/api/v1/executions/execute");
    let request = client.post(url).bearer_auth(token).json(&submission);
    let answer: Value = request
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let id = answer["execution_id"].as_str().expect("an id");
    let url = format!("ws://{address}/api/v1/executions/ws/{id}?token={token}&since=0");
    let (mut socket, _) = tokio_tungstenite::connect_async(url)
        .await
        .expect("a handshake");
    let mut ages = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let read_at = now();
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let text = message["data"]["text"].as_str().unwrap_or_default();
        let written_at = text.lines().filter_map(|line| line.parse::<u64>().ok());
        ages.extend(written_at.map(|at| read_at.saturating_sub(Duration::from_nanos(at))));
    }
    ages
}

#[expect(clippy::disallowed_methods, reason = "both ends read the same clock")]
fn now() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock that is set")
}
