//! Controls a running process and reads its log.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use reqwest::Client;
use serde_json::Value;

use super::{DEADLINE, Launch, eventually};

/// The lines of the log to print when a test fails.
const LAST_LINES: usize = 100;

/// A running service; killed when the test ends, however it ends.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    launch: Launch,
    pub(crate) address: String,
    pub(crate) client: Client,
    log: Arc<Mutex<String>>,
    log_reader: Option<JoinHandle<()>>,
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A service, and a token of a user.
    pub(crate) fn with_user() -> (Self, String) {
        let service = Self::start();
        let token = service.token("alice");
        (service, token)
    }

    /// Starts the service with these variables and waits until it listens.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        let launch = variables.iter();
        let launch = launch.fold(Launch::new(), |all, (name, value)| all.with(name, value));
        launch.start()
    }

    pub(super) fn launch(launch: &Launch) -> Result<Self, String> {
        let mut child = launch
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr"));
        let log = Arc::new(Mutex::new(String::new()));
        let Some(address) = listening(&mut lines, &log) else {
            child.wait().expect("a child");
            return Err(log.lock().clone());
        };
        Ok(Self {
            child,
            launch: launch.clone(),
            address,
            client: Client::builder()
                .no_proxy()
                .timeout(DEADLINE)
                .build()
                .expect("a client"),
            log_reader: Some(read_on(lines, Arc::clone(&log))),
            log,
        })
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A token as `coderun token` prints it.
    pub(crate) fn token(&self, uid: &str) -> String {
        self.launch.token(uid)
    }

    /// The folder with the key of the issuer.
    pub(crate) fn state_dir(&self) -> &Path {
        self.launch.state_dir()
    }

    /// Sends a signal to the service alone.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Kills the process.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a child");
    }

    /// Waits until the service ends and returns its exit code; `None` after a fatal signal.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let child = &mut self.child;
        let mut status = || child.try_wait().expect("a child");
        eventually("the service ends", || std::future::ready(status()))
            .await
            .code()
    }

    #[expect(
        clippy::print_stderr,
        reason = "a failed test prints the log of the service"
    )]
    fn show_log(&self) {
        let log = self.log();
        let mut last: Vec<_> = log.lines().rev().take(LAST_LINES).collect();
        last.reverse();
        eprintln!("log of {}:\n{}", self.address, last.join("\n"));
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Fails if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(reader) = self.log_reader.take() {
            drop(reader.join());
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}

/// Reads the log until the line with the address; `None` if the process ends first.
fn listening(lines: &mut impl std::io::BufRead, log: &Mutex<String>) -> Option<String> {
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).expect("a log") == 0 {
            return None;
        }
        log.lock().push_str(&line);
        let Ok(event) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        if event["message"] == "listening" {
            return Some(event["address"].as_str().expect("an address").to_owned());
        }
    }
}

/// Reads the rest of the log as it is written.
fn read_on(lines: BufReader<ChildStderr>, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            let mut log = log.lock();
            log.push_str(&line);
            log.push('\n');
        }
    })
}
