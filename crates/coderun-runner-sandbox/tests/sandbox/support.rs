//! Provides a sandbox that checks for leftovers when it is dropped, and programs to run in it.

use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_conformance::code_runner::{CompletedRun, Program};
use coderun_conformance::slowness;
use coderun_domain::{ByteSize, CodeRunner, RunnerError};
use coderun_languages::LanguageTable;
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};
use rustix::process::Signal;
use tempfile::TempDir;

/// The longest that anything quick may take.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A sandbox for one test.
#[derive(Debug)]
pub(crate) struct TestSandbox {
    pub(crate) runner: Arc<SandboxRunner>,
}

impl TestSandbox {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts a sandbox with a changed configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        // The crate's own launcher, and the tools of every machine. To look for all of them would take seconds.
        let languages =
            LanguageTable::built_in().only(&["python", "javascript", "bash", "c", "cpp"]);
        let mut config = SandboxConfig {
            languages,
            launcher: PathBuf::from(env!("CARGO_BIN_EXE_coderun-sandbox-launcher")),
            ..SandboxConfig::default()
        };
        change(&mut config);
        let runner = SandboxRunner::start(config).await.unwrap();
        Self {
            runner: Arc::new(runner),
        }
    }

    /// Whether control groups limit and count what programs use.
    pub(crate) fn has_groups(&self) -> bool {
        let memory = self.runner.profile().enforcement.memory;
        memory.is_some_and(|means| means.starts_with("cgroup"))
    }

    /// Runs a program under small limits.
    pub(crate) async fn run(&self, language: &str, code: &str) -> CompletedRun {
        self.run_program(program(language, code)).await
    }

    pub(crate) async fn run_program(&self, program: Program) -> CompletedRun {
        self.try_run(program).await.unwrap()
    }

    pub(crate) async fn try_run(&self, program: Program) -> Result<CompletedRun, RunnerError> {
        program.run_on(&*self.runner).await
    }
}

/// Writes a launcher that runs a shell command in new namespaces before it becomes the real one.
pub(crate) fn launcher_after(namespaces: &str, command: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("launcher");
    let launcher = env!("CARGO_BIN_EXE_coderun-sandbox-launcher");
    let steps = format!("{command}; exec {launcher} \"$@\"");
    let text = format!("#!/bin/sh\nexec unshare {namespaces} sh -c '{steps}' sh \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (folder, script)
}

/// Runs a program in a sandbox of its own, under small limits.
pub(crate) async fn run(language: &str, code: &str) -> CompletedRun {
    run_program(program(language, code)).await
}

/// Runs a program in a sandbox of its own.
pub(crate) async fn run_program(program: Program) -> CompletedRun {
    TestSandbox::start().await.run_program(program).await
}

/// Runs a program in a sandbox of its own, and asserts what it writes to stdout.
pub(crate) async fn assert_prints(language: &str, code: &str, expected: &str) {
    let ran = run(language, code).await;
    assert_eq!(ran.stdout(), expected, "{}", ran.stderr());
}

/// Asserts that the runner refused to run anything.
pub(crate) fn assert_unavailable<T: Debug>(answer: &Result<T, RunnerError>) {
    let is_unavailable = matches!(answer, Err(RunnerError::Unavailable { .. }));
    assert!(is_unavailable, "{answer:?}");
}

/// Asserts that a run failed because of the launcher.
pub(crate) fn assert_broken<T: Debug>(answer: &Result<T, RunnerError>) {
    let is_broken = matches!(answer, Err(RunnerError::Broken { .. }));
    assert!(is_broken, "{answer:?}");
}

impl Drop for TestSandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        eventually("no process is left", || sandboxes().is_empty());
        let own = std::process::id();
        eventually("no control group is left", || {
            control_groups_of(own).is_empty()
        });
    }
}

/// Waits in a task until a condition holds.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Waits until a condition holds. Blocks the thread, so that it also works where a sandbox is dropped.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON * slowness();
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The first processes of all sandboxes of this test: what its launchers have as children.
pub(crate) fn sandboxes() -> Vec<i32> {
    sandboxes_of(std::process::id())
}

/// The first processes of all sandboxes of a service.
pub(crate) fn sandboxes_of(service: u32) -> Vec<i32> {
    launchers_of(service)
        .into_iter()
        .flat_map(children)
        .collect()
}

/// A sandbox that the kernel cannot end, since one of its processes has a parent outside that does not reap it.
pub(crate) struct HeldSandbox(Child);

impl HeldSandbox {
    /// Holds the sandbox of the program with this command line as soon as it runs.
    pub(crate) async fn of(command_line: &str) -> Self {
        let own = std::process::id();
        let has_line = |pid: &i32| {
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.starts_with(command_line.as_bytes()))
        };
        let find = || sleepers_of(own).into_iter().find(has_line);
        until(|| find().is_some()).await;
        let mut enter = Command::new("nsenter");
        if !rustix::process::geteuid().is_root() {
            enter.args(["--user", "--preserve-credentials"]);
        }
        let target = find().unwrap().to_string();
        let parent = enter
            .args(["--pid", "--target", &target, "sleep", "3000"])
            .spawn()
            .unwrap();
        let id = i32::try_from(parent.id()).unwrap();
        until(|| !children(id).is_empty()).await;
        let parent_id = rustix::process::Pid::from_child(&parent);
        rustix::process::kill_process(parent_id, Signal::STOP).unwrap();
        Self(parent)
    }

    /// Lets the kernel end it.
    pub(crate) fn release(self) {
        drop(self);
    }
}

impl Drop for HeldSandbox {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The `sleep` processes in the sandboxes of a service: programs that have really started.
pub(crate) fn sleepers_of(service: u32) -> Vec<i32> {
    let is_sleeper = |pid: &i32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep"))
    };
    let mut found = Vec::new();
    let mut waiting = sandboxes_of(service);
    while let Some(pid) = waiting.pop() {
        found.push(pid);
        waiting.extend(children(pid));
    }
    found.retain(is_sleeper);
    found
}

/// Whether a process has not ended.
pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned());
    state.is_some_and(|state| !state.starts_with('Z') && !state.starts_with('X'))
}

/// The launchers of this test.
pub(crate) fn launchers() -> Vec<i32> {
    launchers_of(std::process::id())
}

fn launchers_of(service: u32) -> Vec<i32> {
    let service = i32::try_from(service).unwrap();
    let is_launcher = |pid: &i32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains("coderun-sandbox-launcher"))
    };
    children(service).into_iter().filter(is_launcher).collect()
}

/// The children of a process.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| -> Vec<i32> {
            let pids = text.split_whitespace().map(|pid| pid.parse().unwrap());
            pids.collect()
        })
        .collect()
}

/// The control groups that a service has created and not removed.
pub(crate) fn control_groups_of(service: u32) -> Vec<PathBuf> {
    control_groups_named(&format!("-{service}-"))
}

/// The control groups of stages with this in their names.
pub(crate) fn control_groups_named(part: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    look_for_groups(Path::new("/sys/fs/cgroup"), part, 4, &mut found);
    found
}

fn look_for_groups(folder: &Path, part: &str, depth: u32, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("coderun-") && name.contains(part) {
            found.push(entry.path());
        } else if depth > 0 {
            look_for_groups(&entry.path(), part, depth - 1, found);
        }
    }
}

/// A program under small limits.
pub(crate) fn program(language: &str, code: &str) -> Program {
    Program {
        cpu: Duration::from_secs(2) * slowness(),
        wall: Duration::from_secs(5) * slowness(),
        memory: ByteSize::from_mib(64),
        processes: 16,
        file_size: ByteSize::from_mib(4),
        disk: ByteSize::from_mib(16),
        compile_time: Duration::from_secs(10) * slowness(),
        compile_memory: ByteSize::from_mib(256),
        ..Program::new(language, code)
    }
}
