//! Runs programs: the built-in sandbox or a third party's API.

#![cfg_attr(
    feature = "testing",
    expect(
        unused_parens,
        reason = "mockall repeats the parentheses of `&mut (dyn RunIo + 'io)` where they are not needed"
    )
)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Attempt, BackendError, Enforcement, ExecutionId, Language, LanguageSpec, Limits, OutputStream,
    Report, Submission,
};

/// What a runner is asked to run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// For which execution; unique among those that run, whatever the attempt.
    pub id: ExecutionId,
    /// Which attempt at it.
    pub attempt: Attempt,
    /// The program, its first input and its limits.
    pub submission: Arc<Submission>,
}

/// What is the same for every run of a runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerProfile {
    /// Its name, such as `sandbox`.
    pub name: String,
    /// What it enforces, and by what means.
    pub enforcement: Enforcement,
    /// Whether it passes on input while a program runs.
    pub interactive: bool,
}

/// What comes in for a running program.
#[derive(Clone, PartialEq, Eq)]
pub enum RunInput {
    /// More for its stdin.
    Data(Bytes),
    /// Its stdin ends here.
    Closed,
    /// It is to be stopped.
    Cancel,
}

impl fmt::Debug for RunInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::Closed => f.write_str("Closed"),
            Self::Cancel => f.write_str("Cancel"),
        }
    }
}

/// What a runner can take of what comes in for a running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputWanted {
    /// Whatever comes.
    Anything,
    /// Nothing more for its stdin, because what came before has not been read: only [`RunInput::Cancel`].
    Cancel,
}

/// The running program's side of the world: takes its output, gives it input.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RunIo: Send {
    /// Takes a piece of output of the program, in the order it was written; never of the compiler.
    ///
    /// Waits while whoever listens is behind; the runner reads no more of the program's output meanwhile, but its
    /// clocks go on.
    async fn output(&mut self, stream: OutputStream, bytes: Bytes);

    /// Takes note that the program wrote more to a stream than was passed on, for runners that never see the rest.
    fn mark_truncated(&mut self, stream: OutputStream);

    /// Waits for what comes after the submission's own input, which the runner passes to the program by itself.
    ///
    /// A program that is not interactive gets [`RunInput::Closed`] first. After that only [`RunInput::Cancel`] can
    /// come, and after that nothing: the future waits for ever. Where only a cancellation is wanted, everything else,
    /// also the end, waits with whoever sends it. Cancel-safe: nothing is lost if it is dropped.
    async fn input(&mut self, wanted: InputWanted) -> RunInput;

    /// Takes note that the program waits for input and has none, after all that it wrote before has been passed on.
    ///
    /// Called once, until more has come in; by an interactive runner that can see it, for interactive submissions only.
    async fn awaiting_input(&mut self);
}

/// Runs programs.
///
/// Every runner keeps these promises:
/// - A program that crashes, hangs, floods or is refused is a [`Report`], never an `Err`.
/// - Output goes through [`RunIo::output`], in the order of each stream; as it is written where the runner sees it then,
///   else when the program has ended. A program that writes more to a stream than the submission's limit is stopped and
///   reported as [`Verdict::OutputLimit`](crate::Verdict::OutputLimit), and whoever keeps the head knows that there was
///   more: at least one byte beyond the limit was passed on, or [`RunIo::mark_truncated`] was called.
/// - After [`RunInput::Cancel`] `run` answers within 2 s with [`Verdict::Cancelled`](crate::Verdict::Cancelled), and the
///   program is gone by then. A runner that cannot kill leaves it to end by its limits, and says `abandoned` in
///   [`Enforcement::cancel`].
/// - Dropping the future of `run` gives the program up, with everything it started: it is killed at once, or, by a runner
///   that cannot kill, left to end within its limits.
/// - `run` ends by itself, within the submission's limits and a grace of its own, whatever the other side does.
/// - Two runs see nothing of each other. One call of `run` begins its program once at most: what may have been begun and was
///   lost is an error.
/// - A runner whose profile says `interactive` passes what [`RunIo::input`] brings to the program's stdin, in order and as it
///   comes, and asks for no more than a bounded amount of what the program has not read.
/// - Nothing in a [`Report`] or in the text of a [`RunnerError`] tells where a runner is or how it knows us.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CodeRunner: fmt::Debug + Send + Sync + 'static {
    /// Its name, and what it enforces on every run.
    fn profile(&self) -> RunnerProfile;

    /// The languages that can be run now, best known from the runner itself.
    fn languages(&self) -> Vec<LanguageSpec>;

    /// The greatest limits that it takes, as far as it is known now; `None` where it sets none of its own. A submission
    /// with greater ones may be refused.
    fn maximum_limits(&self) -> Option<Limits>;

    /// Whether a program could be run now.
    ///
    /// # Errors
    /// The [`RunnerError`] that a run would meet, with a reason that a person can act on.
    async fn check(&self) -> Result<(), RunnerError>;

    /// Runs one program to its end.
    ///
    /// # Errors
    /// [`RunnerError`] when the service failed, not the program.
    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError>;
}

/// Why a runner could not run a program.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// It does not know the language.
    #[error("the runner has no language `{language}`")]
    Unsupported {
        /// The language asked for.
        language: Language,
    },
    /// It has too much to do.
    #[error("the runner is overloaded")]
    Overloaded {
        /// When to ask again, if it said so.
        retry_after: Option<Duration>,
    },
    /// It cannot be reached, or this machine cannot build it.
    #[error("the runner `{backend}` is not available: {reason}")]
    Unavailable {
        /// The runner's name.
        backend: &'static str,
        /// Why, for the operator; free of secrets and addresses.
        reason: String,
        /// The cause.
        #[source]
        source: Option<BackendError>,
    },
    /// It does not keep to its own protocol.
    #[error("the runner `{backend}` is broken")]
    Broken {
        /// The runner's name.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl RunnerError {
    /// Whether the same run may succeed later or elsewhere.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Overloaded { .. } | Self::Unavailable { .. } | Self::Broken { .. } => true,
            Self::Unsupported { .. } => false,
        }
    }
}
