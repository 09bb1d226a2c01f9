//! Finds sentences that help the owners of programs that failed.

use std::fmt;

use crate::{Outcome, Submission};

/// Finds a sentence that says what went wrong with a program and what to do about it.
pub trait HintSource: fmt::Debug + Send + Sync + 'static {
    /// The sentence for this end of this submission; `None` if it knows none. Returns at once.
    fn hint(&self, submission: &Submission, outcome: &Outcome) -> Option<String>;
}
