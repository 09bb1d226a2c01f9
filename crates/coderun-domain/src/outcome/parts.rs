//! Exposes the values of an outcome to stores.

use crate::{Output, Report, Verdict};

/// The values of an [`Outcome`](crate::Outcome), for a store to read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeParts {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason, in one sentence for the owner, if no runner reported.
    pub reason: Option<String>,
    /// The runner's report, if a runner made one.
    pub report: Option<Report>,
    /// The output on stdout.
    pub output: Output,
    /// The output on stderr.
    pub error_output: Output,
}

/// Says that stored values are not a possible outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the verdict `{verdict}` does not agree with the report")]
pub struct OutcomeError {
    /// The stored verdict.
    pub verdict: Verdict,
}
