//! Runs a server process that does not outlive its test.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Waits for the end of the test process, and then cleans up as its destructors would. `$1` cannot be the id of another
/// process: while the test lives, only the test reaps the server, and it ends this shell first.
const CLEAN_UP: &str = "read -r _; kill -9 \"$1\" 2>/dev/null; sleep 0.1; rm -rf \"$2\"";

/// A running server, and a shell that kills it when this process dies.
#[derive(Debug)]
pub(crate) struct Process {
    server: Child,
    watcher: Child,
}

impl Process {
    /// Starts `redis-server` with the file `redis.conf` of this folder, followed by these arguments.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let server = quiet("redis-server")
            .arg(folder.join("redis.conf"))
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start `redis-server`: {error}; install Redis 7 (`apt-get install redis-server`) \
                     or Valkey with that name on the PATH"
                )
            });
        let watcher = quiet("sh")
            .args(["-c", CLEAN_UP, "sh", &server.id().to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("`sh` starts");
        Self { server, watcher }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.server.id()
    }

    /// Whether the server has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.server.try_wait(), Ok(None))
    }

    /// Suspends the server: its connections stay open and get no answer.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Resumes a suspended server.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.server.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), signal).expect("the server was not reaped yet");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for child in [&mut self.watcher, &mut self.server] {
            // Fails only if the process has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}
