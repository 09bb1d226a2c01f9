//! Describes a runner under test and what it can do.

use std::any::Any;
use std::sync::Arc;

use coderun_domain::CodeRunner;

use crate::FromSetup;

/// A runner that only one clause uses.
pub struct RunnerUnderTest {
    /// The runner.
    pub runner: Arc<dyn CodeRunner>,
    /// What it can do.
    pub abilities: Abilities,
    /// How many of its programs live now, as the machine or the backend sees it: not as the runner believes.
    pub running_programs: Box<dyn Fn() -> usize + Send + Sync>,
    /// How its answers get lost; `None` for a runner that runs programs in its own process.
    pub lost_answers: Option<LostAnswers>,
    /// Lives as long as the runner, such as a server.
    pub guard: Box<dyn Any + Send + Sync>,
}

/// Loses answers of a backend, and counts what it runs.
pub struct LostAnswers {
    /// Loses the answer to the next program, which the backend runs.
    pub lose_next: Box<dyn Fn() + Send + Sync>,
    /// How many programs the backend was sent so far.
    pub programs_sent: Box<dyn Fn() -> usize + Send + Sync>,
}

/// What a runner can do, where the port leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// How it passes on output that is not UTF-8.
    pub output: OutputFidelity,
    /// When a program ends that was cancelled or dropped.
    pub killing: Killing,
    /// How it reports a program that a signal ended.
    pub signals: SignalFidelity,
}

/// How output is passed on that is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFidelity {
    /// Byte for byte.
    Bytes,
    /// With U+FFFD for what is not UTF-8.
    Text,
}

/// When a program ends that was cancelled or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killing {
    /// At once.
    AtOnce,
    /// By itself or by its limits.
    ByLimits,
}

/// How a runner reports a program that a signal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalFidelity {
    /// With the signal.
    Signal,
    /// With the exit code of the shell that started it: 128 and the signal's number.
    ShellCode,
}

/// The constructor of an adapter, from how many programs run at a time to a runner of its own.
pub struct RunnerSetup<New>(pub New);

/// Runs two programs at a time.
impl<New, Made> FromSetup<RunnerSetup<New>> for RunnerUnderTest
where
    New: FnOnce(usize) -> Made + Send,
    Made: Future<Output = Self> + Send,
{
    async fn from_setup(setup: RunnerSetup<New>) -> Self {
        (setup.0)(2).await
    }
}

/// A runner of one program at a time.
pub struct RunnerOfOne(pub RunnerUnderTest);

impl<New, Made> FromSetup<RunnerSetup<New>> for RunnerOfOne
where
    New: FnOnce(usize) -> Made + Send,
    Made: Future<Output = RunnerUnderTest> + Send,
{
    async fn from_setup(setup: RunnerSetup<New>) -> Self {
        Self((setup.0)(1).await)
    }
}

/// A runner that passes input on. Clauses about it do not concern a runner whose profile says that it passes none on.
pub struct InteractiveRunner(pub RunnerUnderTest);

impl<S: Send> FromSetup<S> for InteractiveRunner
where
    RunnerUnderTest: FromSetup<S>,
{
    async fn from_setup(setup: S) -> Self {
        Self(RunnerUnderTest::from_setup(setup).await)
    }

    fn is_concerned(&self) -> bool {
        self.0.runner.profile().interactive
    }
}
