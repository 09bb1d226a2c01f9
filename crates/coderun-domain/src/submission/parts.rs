//! The values of a submission.

use std::fmt;

use super::File;
use crate::{Language, Limits, TraceContext, UserId};

/// The values of a [`Submission`](crate::Submission), for a store to read back. `Debug` shows lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct SubmissionParts {
    /// Who handed it in.
    pub user: UserId,
    /// The language, by its canonical name.
    pub language: Language,
    /// The version that will run, where the runner names its versions.
    pub version: Option<String>,
    /// The source text of the entry file.
    pub code: String,
    /// What the program reads from stdin.
    pub input: String,
    /// Command line arguments.
    pub args: Vec<String>,
    /// Files beside the code.
    pub files: Vec<File>,
    /// The limits in force.
    pub limits: Limits,
    /// What the program must print for the verdict `accepted`, if the user said so.
    pub expected_output: Option<String>,
    /// Whether more input may come while the program runs.
    pub interactive: bool,
    /// The trace that the submission belongs to.
    pub trace: Option<TraceContext>,
}

impl fmt::Debug for SubmissionParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmissionParts")
            .field("user", &self.user)
            .field("language", &self.language)
            .field("code_bytes", &self.code.len())
            .field("input_bytes", &self.input.len())
            .field("args", &self.args.len())
            .field("files", &self.files.len())
            .field("limits", &self.limits)
            .field("interactive", &self.interactive)
            .finish_non_exhaustive()
    }
}
