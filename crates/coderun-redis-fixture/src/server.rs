//! Starts one server, and pauses, kills and restarts it.

use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use tempfile::TempDir;

use crate::client::{self, Reply};
use crate::port;
use crate::process::Process;

/// The longest wait; on a busy machine a server starts within a second.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// Another process may take the free port before the server does.
const ATTEMPTS: usize = 10;

/// The settings of a server.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Whether the data survives a kill and a restart (with `appendfsync always`).
    pub append_only: bool,
    /// The password of the user `default`.
    pub password: Option<String>,
    /// More lines of `redis.conf`, such as `maxmemory-policy allkeys-lru`.
    pub lines: Vec<String>,
}

impl RedisOptions {
    /// The defaults with these lines of `redis.conf`.
    #[must_use]
    pub fn with_lines(lines: &[impl AsRef<str>]) -> Self {
        Self {
            lines: lines.iter().map(|line| line.as_ref().to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// A running `redis-server` on a port of 127.0.0.1. Dropping it kills it.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    password: Option<String>,
    /// The arguments after `redis.conf`.
    arguments: Vec<&'static str>,
    process: Mutex<Option<Process>>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server that stores nothing on disk.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it does not answer.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&RedisOptions::default())
    }

    /// Starts a server with these lines in its `redis.conf`.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it refuses the lines or does not answer.
    #[must_use]
    pub fn with_lines(lines: &[impl AsRef<str>]) -> Self {
        Self::with(&RedisOptions::with_lines(lines))
    }

    /// Starts a server with these options.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it refuses the options or does not answer.
    #[must_use]
    pub fn with(options: &RedisOptions) -> Self {
        Self::launch(options, &[])
    }

    /// Starts a server with more arguments.
    pub(crate) fn launch(options: &RedisOptions, arguments: &[&'static str]) -> Self {
        let mut last_log = String::new();
        for _ in 0..ATTEMPTS {
            let server = Self::configured(options, arguments);
            if server.run() {
                return server;
            }
            last_log = server.log();
        }
        panic!("`redis-server` ends right after its start:\n{last_log}");
    }

    fn configured(options: &RedisOptions, arguments: &[&'static str]) -> Self {
        let server = Self {
            port: port::free(),
            password: options.password.clone(),
            arguments: arguments.to_vec(),
            process: Mutex::new(None),
            folder: tempfile::tempdir().expect("a folder for temporary files"),
        };
        server.write_configuration(options);
        server
    }

    /// A server that does not run yet: [`restart`](Self::restart) starts it on its port.
    ///
    /// # Panics
    /// Without a folder for temporary files.
    #[must_use]
    pub fn stopped(options: &RedisOptions) -> Self {
        Self::configured(options, &[])
    }

    /// Waits until a line of `INFO` has this value.
    pub(crate) fn wait_for(&self, name: &str, value: &str) {
        wait_until(&format!("{name} is {value}"), || {
            self.info(name).as_deref() == Some(value)
        });
    }

    /// The address, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Suspends the process: connections stay open, the system accepts new ones, and none gets an answer.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pause(&self) {
        self.process().pause();
    }

    /// Resumes a paused server.
    ///
    /// # Panics
    /// When it does not run.
    pub fn resume(&self) {
        self.process().resume();
    }

    /// Kills the process; its connections are reset.
    pub fn kill(&self) {
        self.process.lock().take();
    }

    /// Kills the server if it runs, and starts it again on its port, with the data of its append-only file.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&self) {
        self.kill();
        assert!(self.run(), "`redis-server` ends at once:\n{}", self.log());
    }

    /// Sends a command and waits for the answer.
    ///
    /// # Panics
    /// When no answer comes within five seconds.
    #[must_use]
    pub fn command(&self, words: &[&str]) -> Reply {
        self.ask(words).unwrap_or_else(|error| {
            panic!(
                "no answer to `{}` on port {}: {error}",
                words.join(" "),
                self.port
            )
        })
    }

    /// Sends a command, and panics if the server refuses it.
    pub(crate) fn demand(&self, words: &[&str]) {
        let reply = self.command(words);
        let is_refused = matches!(reply, Reply::Error(_));
        assert!(!is_refused, "`{}`: {}", words.join(" "), reply.text());
    }

    /// The port on which the nodes of a Cluster talk to each other.
    pub(crate) fn bus_port(&self) -> u16 {
        let setting = self.command(&["CONFIG", "GET", "cluster-port"]);
        let port = setting.parts().get(1).map(Reply::text);
        port.and_then(|port| port.parse().ok())
            .expect("a node of a cluster")
    }

    /// The value of a line of `INFO`, if it exists.
    ///
    /// # Panics
    /// When no answer comes within five seconds.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<String> {
        let report = self.command(&["INFO", "everything"]).text();
        info_value(&report, name).map(str::to_owned)
    }

    fn ask(&self, words: &[&str]) -> io::Result<Reply> {
        client::ask(self.port, self.password.as_deref(), words)
    }

    /// Starts the process and waits until it answers. Returns false if it ends before.
    fn run(&self) -> bool {
        let mut process = Process::start(self.folder.path(), &self.arguments);
        let deadline = Instant::now() + PATIENCE;
        while !self.answers(process.id()) {
            if process.has_ended() {
                return false;
            }
            assert!(
                Instant::now() < deadline,
                "`redis-server` does not answer:\n{}",
                self.log()
            );
            thread::sleep(PAUSE);
        }
        *self.process.lock() = Some(process);
        true
    }

    /// Whether this process answers, and not another one that took the port.
    fn answers(&self, process: u32) -> bool {
        let is_ready = |reply: Reply| reply == Reply::Status("PONG".to_owned());
        let is_same =
            |reply: Reply| info_value(&reply.text(), "process_id") == Some(&process.to_string());
        self.ask(&["PING"]).is_ok_and(is_ready) && self.ask(&["INFO", "server"]).is_ok_and(is_same)
    }

    fn write_configuration(&self, options: &RedisOptions) {
        let mut text = format!(
            "bind 127.0.0.1\nport {}\nsave \"\"\nlogfile redis.log\ndaemonize no\n",
            self.port
        );
        if options.append_only {
            text.push_str("appendonly yes\nappendfsync always\n");
        }
        if let Some(password) = &options.password {
            writeln!(text, "requirepass {password}").expect("room in memory");
        }
        for line in &options.lines {
            text.extend([line, "\n"]);
        }
        let path = self.folder.path().join("redis.conf");
        fs::write(path, text).expect("a writable folder for temporary files");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("redis.log")).unwrap_or_default()
    }

    fn process(&self) -> MappedMutexGuard<'_, Process> {
        MutexGuard::map(self.process.lock(), |process| {
            process.as_mut().expect("a running server")
        })
    }
}

/// Waits until a condition is true, and panics after [`PATIENCE`].
pub(crate) fn wait_until(condition: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(
            Instant::now() < deadline,
            "timed out waiting until {condition}"
        );
        thread::sleep(PAUSE);
    }
}

fn info_value<'a>(report: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = report.lines().map(str::trim_end);
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}
