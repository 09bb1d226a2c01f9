//! Starts processes of the binary.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::Service;

/// The binary under test.
const CODERUN: &str = env!("CARGO_BIN_EXE_coderun");

/// The tools that services offer in tests: to ask those of all languages takes a second at each start.
const TOOLS: [&str; 5] = ["python3", "node", "bash", "gcc", "g++"];

/// The binary, with an empty environment except for the variables that toolchains need.
pub(crate) fn coderun(state: &TempDir) -> Command {
    command(CODERUN.as_ref(), state)
}

fn command(program: &Path, state: &TempDir) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("STATE_DIR", state.path());
    command
}

/// Makes a folder with the tools that services offer.
fn link_tools(folder: &Path) {
    std::fs::create_dir(folder).expect("a new folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    for tool in TOOLS {
        let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(tool));
        let found = candidates.find(|file| file.is_file());
        let found = found.unwrap_or_else(|| panic!("no {tool} in PATH"));
        std::os::unix::fs::symlink(found, folder.join(tool)).expect("a link");
    }
}

/// Runs the program until it ends.
pub(crate) fn output(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// An address of this machine that nothing listens on.
pub(crate) fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The environment of a process. Clones share the key of the issuer, so a token is valid on all of them.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    program: PathBuf,
    state: Arc<TempDir>,
    variables: Vec<(String, String)>,
    without: Vec<&'static str>,
}

impl Launch {
    /// A process with its state in memory, on a free port. It offers languages without running their examples first.
    pub(crate) fn new() -> Self {
        let launch = Self {
            program: CODERUN.into(),
            state: Arc::new(tempfile::tempdir().expect("a temporary directory")),
            variables: Vec::new(),
            without: Vec::new(),
        };
        let tools = launch.state_dir().join("tools");
        link_tools(&tools);
        launch
            .with("TOOLCHAIN_PATH", tools.to_str().expect("a path in UTF-8"))
            .with("PORT", "0")
            .with("ADMIN_ADDR", "off")
            .with("LOG_FORMAT", "json")
    }

    /// A process with its state in Redis.
    pub(crate) fn on(redis_url: &str) -> Self {
        Self::new().with("REDIS_URL", redis_url)
    }

    /// The same with one more variable.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut launch = self.clone();
        launch.variables.push((name.to_owned(), value.to_owned()));
        launch
    }

    /// The same without a variable.
    pub(crate) fn without(&self, name: &'static str) -> Self {
        let mut launch = self.clone();
        launch.without.push(name);
        launch
    }

    /// The same with another program, which serves as the binary does.
    pub(crate) fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// The same in another role.
    pub(crate) fn role(&self, role: &str) -> Self {
        self.with("ROLE", role)
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(&self) -> Service {
        self.try_start()
            .unwrap_or_else(|log| panic!("the service ended early:\n{log}"))
    }

    /// Starts it and waits until it listens; returns its log if it ends instead.
    pub(crate) fn try_start(&self) -> Result<Service, String> {
        Service::launch(self)
    }

    /// The program with these variables.
    pub(crate) fn command(&self) -> Command {
        let mut command = command(&self.program, &self.state);
        // Other runners than the sandbox, which is the default, refuse the setting.
        if self.variables.iter().all(|(name, _)| name != "RUNNER") {
            command.env("LANGUAGE_CHECK_SECONDS", "0");
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        for name in &self.without {
            command.env_remove(name);
        }
        command
    }

    /// The folder with the key of the issuer.
    pub(crate) fn state_dir(&self) -> &Path {
        self.state.path()
    }

    /// A token as `coderun token` prints it.
    pub(crate) fn token(&self, uid: &str) -> String {
        let printed = output(command(&self.program, &self.state).args(["token", "--uid", uid]));
        assert!(printed.status.success(), "{printed:?}");
        text(&printed.stdout).trim_end().to_owned()
    }
}
