//! Starts the binary on a free port and talks to it as a client would.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Nothing that a test waits for may take longer.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The program with nothing of this process's environment but what toolchains are found by.
pub(crate) fn coderun(state: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coderun"));
    command.env_clear();
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("STATE_DIR", state.path());
    command
}

/// Runs the program to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A running service; killed when the test ends, however it ends.
pub(crate) struct Service {
    child: Child,
    pub(crate) state: TempDir,
    pub(crate) address: String,
    pub(crate) client: Client,
    log: Arc<Mutex<String>>,
    log_reader: Option<std::thread::JoinHandle<()>>,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts the service with these variables and waits until it listens.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        let mut child = coderun(&state)
            .env("PORT", "0")
            .env("LOG_FORMAT", "json")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr"));
        let log = Arc::new(Mutex::new(String::new()));
        let address = listening(&mut lines, &log);
        let rest = Arc::clone(&log);
        let log_reader = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = rest.lock().expect("the log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self {
            child,
            state,
            address,
            client: Client::builder()
                .no_proxy()
                .timeout(DEADLINE)
                .build()
                .expect("a client"),
            log,
            log_reader: Some(log_reader),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A token as `coderun token` prints it.
    pub(crate) fn token(&self, uid: &str) -> String {
        let printed = output(coderun(&self.state).args(["token", "--uid", uid]));
        assert!(printed.status.success(), "{printed:?}");
        text(&printed.stdout).trim_end().to_owned()
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.get(self.url(path)).bearer_auth(token)
    }

    pub(crate) fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(token)
    }

    pub(crate) async fn try_submit(&self, token: &str, body: &Value) -> Response {
        let request = self.post("/api/v1/executions/execute", token).json(body);
        request.send().await.expect("an answer")
    }

    /// Submits and answers the id.
    pub(crate) async fn submit(&self, token: &str, body: &Value) -> String {
        let answer = self.try_submit(token, body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.expect("JSON");
        body["execution_id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn status(&self, token: &str, id: &str) -> Value {
        let request = self.get(&format!("/api/v1/executions/status/{id}"), token);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.expect("JSON")
    }

    pub(crate) async fn watch(&self, token: &str, id: &str) -> Socket {
        let url = format!(
            "ws://{}/api/v1/executions/ws/{id}?token={token}",
            self.address
        );
        let (socket, _) = tokio_tungstenite::connect_async(url)
            .await
            .expect("a handshake");
        Socket(socket)
    }

    /// Submits, watches to the end and answers the final record as polling shows it.
    pub(crate) async fn run(&self, token: &str, body: &Value) -> Value {
        let id = self.submit(token, body).await;
        let (messages, close) = self.watch(token, &id).await.until_closed().await;
        assert_eq!(close, 1000, "{messages:?}");
        self.status(token, &id).await
    }

    /// Runs a program in this language and answers the final record.
    pub(crate) async fn run_code(&self, language: &str, code: &str) -> Value {
        let token = self.token("runner");
        self.run(&token, &json!({"language": language, "code": code}))
            .await
    }

    /// Sends a signal to the service alone.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for the service to end by itself and answers its exit code, if it was no signal that ended it.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the service does not end:\n{}", self.log());
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(reader) = self.log_reader.take() {
            drop(reader.join());
        }
    }
}

/// Reads the log up to the line that names the address.
fn listening(lines: &mut impl std::io::BufRead, log: &Mutex<String>) -> String {
    loop {
        let mut line = String::new();
        let length = lines.read_line(&mut line).expect("a log");
        log.lock().expect("the log").push_str(&line);
        assert!(
            length > 0,
            "the service ended early:\n{}",
            log.lock().expect("the log")
        );
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if event["message"] == "listening" {
            return event["address"].as_str().expect("an address").to_owned();
        }
    }
}

/// A WebSocket of a watcher.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// The next message, or the close code.
    pub(crate) async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.0.next())
                .await
                .expect("a message in time")
                .expect("a close before the end")
                .expect("a good frame");
            match message {
                Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Message::Close(frame) => {
                    return Err(frame.map_or(1005, |frame| CloseCode::into(frame.code)));
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Frame(_)) => panic!("{other:?}"),
            }
        }
    }

    /// All messages and the close code.
    pub(crate) async fn until_closed(mut self) -> (Vec<Value>, u16) {
        let mut messages = Vec::new();
        loop {
            match self.next().await {
                Ok(message) => messages.push(message),
                Err(code) => return (messages, code),
            }
        }
    }
}

/// The contents of a file that may be gone already.
pub(crate) fn read_if_there(path: &str) -> Option<String> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .ok()?
        .read_to_end(&mut content)
        .ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}
