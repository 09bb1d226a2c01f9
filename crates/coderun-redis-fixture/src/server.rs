//! One server.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use tempfile::TempDir;

use crate::client::{self, Reply};
use crate::port;
use crate::process::Process;

/// A machine under load starts a server in a second.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// How often another process may be quicker to take a port.
const TRIES: usize = 10;

/// How a server keeps its data.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Whether what was written is there again after a kill and a restart (with `appendfsync always`).
    pub append_only: bool,
    /// What clients must know, as the user `default`.
    pub password: Option<String>,
    /// More lines of `redis.conf`, such as `maxmemory-policy allkeys-lru`.
    pub lines: Vec<String>,
}

/// A running `redis-server` on a port of 127.0.0.1. Dropping it kills it.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    password: Option<String>,
    /// Behind `redis.conf` on the command line.
    arguments: Vec<&'static str>,
    process: Mutex<Option<Process>>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it does not answer.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&RedisOptions::default())
    }

    /// Starts a server with these options.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it refuses the options or does not answer.
    #[must_use]
    pub fn with(options: &RedisOptions) -> Self {
        Self::launch(options, &[])
    }

    /// Starts a server with more arguments, on whatever port is free.
    pub(crate) fn launch(options: &RedisOptions, arguments: &[&'static str]) -> Self {
        let mut last_log = String::new();
        for _ in 0..TRIES {
            let server = Self {
                port: port::free(),
                password: options.password.clone(),
                arguments: arguments.to_vec(),
                process: Mutex::new(None),
                folder: tempfile::tempdir().expect("a folder for temporary files"),
            };
            server.write_configuration(options);
            if server.run() {
                return server;
            }
            last_log = server.log();
        }
        panic!("`redis-server` ends right after its start:\n{last_log}");
    }

    /// Waits until the server says this, in a line of `INFO`.
    pub(crate) fn wait_for(&self, name: &str, value: &str) {
        wait_until(&format!("{name} is {value}"), || {
            self.info(name).as_deref() == Some(value)
        });
    }

    /// The address in the form that clients take.
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

    /// Stops the process where it is: connections stand, new ones are accepted by the system, nobody answers.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pause(&self) {
        self.running().as_ref().expect("a running server").pause();
    }

    /// Lets a paused server go on.
    ///
    /// # Panics
    /// When it does not run.
    pub fn resume(&self) {
        self.running().as_ref().expect("a running server").resume();
    }

    /// Ends the process at once; its connections are reset.
    pub fn kill(&self) {
        self.running().take();
    }

    /// Lets the server end by itself, which writes out what it has.
    pub fn stop(&self) {
        if let Some(process) = self.running().take() {
            process.stop();
        }
    }

    /// Starts the server again if it does not run: on its port, in its folder, with what its append-only file says.
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

    /// Sends a command that must not be refused.
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

    /// The value of a line of `INFO`, if there is such a line.
    ///
    /// # Panics
    /// When no answer comes within five seconds.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<String> {
        let report = self.command(&["INFO", "everything"]).text();
        fact(&report, name).map(str::to_owned)
    }

    fn ask(&self, words: &[&str]) -> io::Result<Reply> {
        client::ask(self.port, self.password.as_deref(), words)
    }

    /// Starts the process and waits until it answers; whether it does.
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
        *self.running() = Some(process);
        true
    }

    /// Whether this very process answers: the port may have been taken by another one in between.
    fn answers(&self, process: u32) -> bool {
        let is_ready = |reply: Reply| reply == Reply::Status("PONG".to_owned());
        let is_it = |reply: Reply| fact(&reply.text(), "process_id") == Some(&process.to_string());
        self.ask(&["PING"]).is_ok_and(is_ready) && self.ask(&["INFO", "server"]).is_ok_and(is_it)
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
            writeln!(text, "{line}").expect("room in memory");
        }
        write_file(&self.folder.path().join("redis.conf"), &text);
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("redis.log")).unwrap_or_default()
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until it is so, and panics when it does not become so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(PAUSE);
    }
}

fn write_file(path: &Path, text: &str) {
    fs::write(path, text).expect("a writable folder for temporary files");
}

fn fact<'a>(report: &'a str, name: &str) -> Option<&'a str> {
    let facts = report
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'));
    facts
        .into_iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
