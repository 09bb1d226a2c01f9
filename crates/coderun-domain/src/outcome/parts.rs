//! The values of an outcome.

use crate::{Output, Report, Verdict};

/// The values of an [`Outcome`](crate::Outcome), for a store to read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeParts {
    /// The one word for it.
    pub verdict: Verdict,
    /// The sentence for its owner, where no runner reported.
    pub reason: Option<String>,
    /// What the runner said, where one ran.
    pub report: Option<Report>,
    /// What the program wrote to stdout.
    pub output: Output,
    /// What the program wrote to stderr.
    pub error_output: Output,
}

/// Says that stored values are no outcome that an execution can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the verdict `{verdict}` does not agree with the report")]
pub struct OutcomeError {
    /// What was stored.
    pub verdict: Verdict,
}
