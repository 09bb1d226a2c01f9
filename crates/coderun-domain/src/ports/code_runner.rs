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
    Attempt, BackendError, Enforcement, Execution, ExecutionId, Health, Language, LanguageSpec,
    Limits, OutputStream, Report, Submission, UnavailableLanguage,
};

/// A program for a runner, with its id and attempt.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The id of the execution; unique among those that run, whatever the attempt.
    pub id: ExecutionId,
    /// The attempt.
    pub attempt: Attempt,
    /// The program, its first input and its limits.
    pub submission: Arc<Submission>,
}

impl From<&Execution> for RunRequest {
    fn from(execution: &Execution) -> Self {
        Self {
            id: execution.id(),
            attempt: execution.attempt(),
            submission: Arc::clone(execution.submission()),
        }
    }
}

/// Properties that every run of a runner shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerProfile {
    /// The name, such as `sandbox`.
    pub name: String,
    /// The controls that it enforces.
    pub enforcement: Enforcement,
    /// Whether it passes input to a running program.
    pub interactive: bool,
    /// Whether it ignores the buffering that a submission asks for, because it passes output on when a program has ended.
    pub ignores_buffering: bool,
}

/// Input or a signal for a running program.
#[derive(Clone, PartialEq, Eq)]
pub enum RunInput {
    /// More data for stdin.
    Data(Bytes),
    /// The end of stdin.
    Closed,
    /// The program has to stop.
    Cancel,
    /// The run has its place again, which it asked for by [`RunIo::request_place`].
    Resumed,
}

impl fmt::Debug for RunInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::Closed => f.write_str("Closed"),
            Self::Cancel => f.write_str("Cancel"),
            Self::Resumed => f.write_str("Resumed"),
        }
    }
}

/// The part of [`RunInput`] that a runner can take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputWanted {
    /// All of it.
    Anything,
    /// Only [`RunInput::Cancel`], because the program has not read its earlier input.
    Cancel,
}

/// Takes the output of a running program and gives it input.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RunIo: Send {
    /// Takes a piece of the program's output, in the order of writing; never the compiler's.
    ///
    /// Waits while the receiver is behind (back-pressure): the runner reads no more output meanwhile, but its
    /// clocks go on.
    async fn output(&mut self, stream: OutputStream, bytes: Bytes);

    /// Marks a stream of which the runner does not see the rest.
    fn mark_truncated(&mut self, stream: OutputStream);

    /// Waits for input beyond that of the submission, which the runner passes to the program by itself.
    ///
    /// A program that is not interactive gets [`RunInput::Closed`] first. After that only [`RunInput::Cancel`] can
    /// come, and after that nothing: the future waits for ever. If only a cancellation is wanted, all other input,
    /// the end included, waits with its sender. [`RunInput::Resumed`] comes whatever is wanted. Cancel-safe: no input
    /// is lost if the future is dropped.
    ///
    /// Waits for ever unless it is implemented: the program gets no more input and is never cancelled.
    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        let _ = wanted;
        std::future::pending().await
    }

    /// Notes that the program waits for input and has none, after all its earlier output was passed on.
    ///
    /// Called once until more input comes, by interactive runners that can see it, for interactive submissions only.
    /// Ignored unless it is implemented.
    async fn awaiting_input(&mut self) {}

    /// Gives the place of the run to others, because its program waits for a person, and returns whether it did. From then
    /// on the program must use no processor, beyond what waiting takes, until the run has input or has got its place back
    /// ([`request_place`](Self::request_place)). More input than the end of stdin comes only to a run that has its place.
    ///
    /// Never does unless it is implemented.
    fn park(&mut self) -> bool {
        false
    }

    /// Asks for the place back that was given to others. The answer is [`RunInput::Resumed`].
    fn request_place(&mut self) {}
}

/// Runs programs.
///
/// Every runner keeps these promises:
/// - A program that crashes, hangs, floods or is refused is a [`Report`], never an `Err`.
/// - Output goes through [`RunIo::output`], in the order of each stream: as it is written if the runner sees it then, else
///   when the program has ended. A program that writes more to a stream than the submission's limit is stopped and
///   reported as [`Verdict::OutputLimit`](crate::Verdict::OutputLimit), and the receiver knows that there was more:
///   at least one byte beyond the limit was passed on, or [`RunIo::mark_truncated`] was called.
/// - After [`RunInput::Cancel`] `run` answers within 2 s with [`Verdict::Cancelled`](crate::Verdict::Cancelled), and the
///   program is gone by then. A runner that cannot kill leaves it to end by its limits, and reports `abandoned` in
///   [`Enforcement::cancel`].
/// - Dropping the future of `run` kills the program with everything that it started. A runner that cannot kill leaves it to
///   end within its limits.
/// - `run` returns within the submission's limits and a grace of its own, whatever the program or a remote service does.
/// - The program is stored as [`Submission::source_text`] and [`Submission::source_files`] have it.
/// - Two runs are isolated from each other. A call of `run` starts its program at most once: if the program may have been
///   started and its result was lost, that is an error.
/// - An interactive runner passes the data of [`RunIo::input`] to the program's stdin, in order and at once, and asks for no
///   more than a bounded amount that the program has not read.
/// - Neither a [`Report`] nor the text of a [`RunnerError`] reveals the address of a runner or our credentials.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CodeRunner: fmt::Debug + Send + Sync + 'static {
    /// The name and the controls that it enforces on every run.
    fn profile(&self) -> RunnerProfile;

    /// The languages that can be run now.
    fn languages(&self) -> Vec<LanguageSpec>;

    /// The greatest limits that it accepts, as far as they are known now; `None` if it has none of its own. A submission
    /// with greater ones may be refused.
    fn maximum_limits(&self) -> Option<Limits> {
        None
    }

    /// Checks whether a program could be run now. Always `Ok` unless a runner implements it.
    ///
    /// # Errors
    /// The [`RunnerError`] that a run would meet, with a reason that a person can act on.
    async fn check(&self) -> Result<(), RunnerError> {
        Ok(())
    }

    /// Whether it holds its limits as firmly as it could on another machine; `None` unless a runner implements it.
    fn limits_health(&self) -> Option<Health> {
        None
    }

    /// The languages and versions that it has a tool for and that are not among [`languages`](Self::languages), because their
    /// trial failed or has not ended; `None` unless a runner tries languages.
    fn unavailable_languages(&self) -> Option<Vec<UnavailableLanguage>> {
        None
    }

    /// Has a language or version checked before others of which nothing is known yet. Does nothing unless a runner checks them.
    fn check_next(&self, language: &UnavailableLanguage) {
        let _ = language;
    }

    /// Waits until it has checked each language once. Returns at once unless a runner checks them.
    async fn languages_checked(&self) {}

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

/// Says why a runner could not run a program.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The runner does not have the language.
    #[error("the runner has no language `{language}`")]
    Unsupported {
        /// The requested language.
        language: Language,
    },
    /// The runner has no capacity left.
    #[error("the runner is overloaded")]
    Overloaded {
        /// The time to wait before the next request, if the runner named one.
        retry_after: Option<Duration>,
    },
    /// The runner cannot be reached, or cannot work on this machine.
    #[error("the runner `{backend}` is not available: {reason}")]
    Unavailable {
        /// The runner's name.
        backend: &'static str,
        /// The reason for the operator, without secrets and addresses.
        reason: String,
        /// The cause.
        #[source]
        source: Option<BackendError>,
    },
    /// The runner violates its own protocol.
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
