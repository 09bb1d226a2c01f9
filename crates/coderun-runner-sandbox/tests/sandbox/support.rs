//! Provides a sandbox that checks for leftovers when it is dropped, and programs to run in it.

use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    Attempt, ByteSize, CodeRunner, InputWanted, LanguageCatalog, LimitPolicy, Limits, OutputStream,
    Report, RunInput, RunIo, RunRequest, RunnerError, StageLimits, StorageLimits, Submission,
    SubmissionDraft, SubmissionPolicy, testing,
};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};
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
        // The crate's own launcher, and the tools of every machine.
        let mut config = SandboxConfig {
            launcher: PathBuf::from(env!("CARGO_BIN_EXE_coderun-sandbox-launcher")),
            ..SandboxConfig::default()
        };
        change(&mut config);
        let runner = SandboxRunner::start(config).await.unwrap();
        Self {
            runner: Arc::new(runner),
        }
    }

    /// Runs a program under small limits.
    pub(crate) async fn run(&self, language: &str, code: &str) -> Ran {
        self.run_program(Program::new(language, code)).await
    }

    pub(crate) async fn run_program(&self, program: Program) -> Ran {
        self.try_run(program).await.unwrap()
    }

    pub(crate) async fn try_run(&self, program: Program) -> Result<Ran, RunnerError> {
        let mut io = CollectingIo::default();
        let report = self.run_with(&program, &mut io).await?;
        assert_eq!(
            io.awaited, 0,
            "a program that takes no input waits for none"
        );
        Ok(Ran {
            report,
            stdout: io.stdout,
            stderr: io.stderr,
        })
    }

    pub(crate) async fn run_with(
        &self,
        program: &Program,
        io: &mut dyn RunIo,
    ) -> Result<Report, RunnerError> {
        let request = program.request(&self.runner.languages());
        tokio::time::timeout(SOON, self.runner.run(request, io))
            .await
            .expect("a run that ends in time")
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
pub(crate) async fn run(language: &str, code: &str) -> Ran {
    run_program(Program::new(language, code)).await
}

/// Runs a program in a sandbox of its own.
pub(crate) async fn run_program(program: Program) -> Ran {
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
    let deadline = Instant::now() + SOON;
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

fn children(pid: i32) -> Vec<i32> {
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
    let own = format!("-{service}-");
    let mut found = Vec::new();
    look_for_groups(Path::new("/sys/fs/cgroup"), &own, 4, &mut found);
    found
}

fn look_for_groups(folder: &Path, own: &str, depth: u32, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("coderun-") && name.contains(own) {
            found.push(entry.path());
        } else if depth > 0 {
            look_for_groups(&entry.path(), own, depth - 1, found);
        }
    }
}

/// The report and the output of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) report: Report,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ran {
    pub(crate) fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A program and its limits, which are small unless a test says otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) draft: SubmissionDraft,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) memory: ByteSize,
    pub(crate) processes: u32,
    pub(crate) output: ByteSize,
    pub(crate) compile_wall: Duration,
    pub(crate) compile_memory: ByteSize,
}

impl Program {
    pub(crate) fn new(language: &str, code: &str) -> Self {
        Self {
            draft: SubmissionDraft {
                code: code.to_owned(),
                language: language.to_owned(),
                ..SubmissionDraft::default()
            },
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(5),
            memory: ByteSize::from_mib(64),
            processes: 16,
            output: ByteSize::from_kib(64),
            compile_wall: Duration::from_secs(10),
            compile_memory: ByteSize::from_mib(256),
        }
    }

    pub(crate) fn input(mut self, input: &str) -> Self {
        input.clone_into(&mut self.draft.input);
        self
    }

    pub(crate) fn interactive(mut self) -> Self {
        self.draft.interactive = true;
        self
    }

    pub(crate) fn cpu(mut self, cpu: Duration) -> Self {
        self.cpu = cpu;
        self
    }

    pub(crate) fn wall(mut self, wall: Duration) -> Self {
        self.wall = wall;
        self
    }

    fn limits(&self) -> Limits {
        let stage = StageLimits::new(self.cpu, self.wall, self.memory, self.processes);
        let compile_wall = self.compile_wall;
        Limits {
            run: stage.unwrap(),
            compile: StageLimits::new(compile_wall, compile_wall, self.compile_memory, 32).unwrap(),
            storage: StorageLimits::new(
                self.output,
                ByteSize::from_mib(4),
                ByteSize::from_mib(16),
                64,
            )
            .unwrap(),
        }
    }

    /// The request for this program.
    pub(crate) fn request(&self, languages: &[coderun_domain::LanguageSpec]) -> RunRequest {
        let policy = SubmissionPolicy {
            limits: LimitPolicy::new(self.limits(), self.limits()),
            input_max: ByteSize::from_mib(16),
            interactive_wall_time: Some(self.wall),
            ..testing::submission_policy()
        };
        let catalog = LanguageCatalog::new(languages.to_vec());
        let submission = Submission::parse(
            testing::user("alice"),
            self.draft.clone(),
            &catalog,
            &policy,
        );
        RunRequest {
            id: testing::execution_id(1),
            attempt: Attempt::from_count(1),
            submission: Arc::new(submission.unwrap()),
        }
    }
}

/// Keeps all output; gives no input.
#[derive(Debug, Default)]
pub(crate) struct CollectingIo {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    awaited: usize,
    closed: bool,
}

#[async_trait]
impl RunIo for CollectingIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        match stream {
            OutputStream::Stdout => self.stdout.extend_from_slice(&bytes),
            OutputStream::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }

    fn mark_truncated(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        if self.closed || wanted == InputWanted::Cancel {
            std::future::pending::<()>().await;
        }
        self.closed = true;
        RunInput::Closed
    }

    async fn awaiting_input(&mut self) {
        self.awaited += 1;
    }
}
