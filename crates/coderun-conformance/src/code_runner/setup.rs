//! What a runner brings, and what it says of itself.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use coderun_domain::CodeRunner;

/// A runner that nobody else uses.
pub struct RunnerUnderTest {
    /// The runner.
    pub runner: Arc<dyn CodeRunner>,
    /// What it can do.
    pub abilities: Abilities,
    /// How many of its programs live now, as whatever runs them sees it: not as the runner believes.
    pub alive: Box<dyn Fn() -> usize + Send + Sync>,
    /// Whatever is to live as long as the runner, such as a server.
    pub guard: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for RunnerUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnerUnderTest")
            .field("runner", &self.runner)
            .field("abilities", &self.abilities)
            .finish_non_exhaustive()
    }
}

/// What a runner can do, where the port leaves it a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// What becomes of output that is no text.
    pub output: OutputFidelity,
    /// When a program ends that nobody wants any more.
    pub killing: Killing,
    /// How a program is reported that a signal ended.
    pub signals: SignalFidelity,
}

/// What becomes of output that is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFidelity {
    /// It arrives byte for byte.
    Bytes,
    /// What is no UTF-8 is replaced by U+FFFD.
    Text,
}

/// When a program ends that nobody wants any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killing {
    /// At once.
    AtOnce,
    /// By itself or by its limits.
    ByLimits,
}

/// How a program is reported that a signal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalFidelity {
    /// With the signal.
    Signal,
    /// With the exit code of the shell that started it: 128 and the signal's number.
    ShellCode,
}

type NewRunner =
    dyn Fn(usize) -> Pin<Box<dyn Future<Output = RunnerUnderTest> + Send>> + Send + Sync;

/// An adapter's constructor, in the hands of a clause.
pub struct RunnerSetup {
    new: Box<NewRunner>,
}

impl RunnerSetup {
    /// Wraps a constructor: from how many programs are to run at a time to a runner of its own.
    pub fn new<F, Made>(new: F) -> Self
    where
        F: Fn(usize) -> Made + Send + Sync + 'static,
        Made: Future<Output = RunnerUnderTest> + Send + 'static,
    {
        Self {
            new: Box::new(move |concurrency| Box::pin(new(concurrency))),
        }
    }

    /// A runner of two programs at a time.
    pub(crate) async fn runner(&self) -> RunnerUnderTest {
        (self.new)(2).await
    }

    /// A runner of one program at a time.
    pub(crate) async fn runner_of_one(&self) -> RunnerUnderTest {
        (self.new)(1).await
    }
}

impl fmt::Debug for RunnerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunnerSetup")
    }
}
