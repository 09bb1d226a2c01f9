//! Exposes the values of a submission to stores.

use std::fmt;

use super::{Buffering, File};
use crate::{Language, Limits, TraceContext, UserId};

/// The values of a [`Submission`](crate::Submission), for a store to read back. `Debug` shows lengths only.
#[derive(Clone, PartialEq, Eq)]
pub struct SubmissionParts {
    /// The user who submitted it.
    pub user: UserId,
    /// The language, by its canonical name.
    pub language: Language,
    /// The version that will run, if the runner names its versions.
    pub version: Option<String>,
    /// The source text of the entry file.
    pub code: String,
    /// The input on stdin.
    pub input: String,
    /// Command line arguments.
    pub args: Vec<String>,
    /// Files beside the code.
    pub files: Vec<File>,
    /// The limits in force.
    pub limits: Limits,
    /// The output that the verdict `accepted` requires, if the user gave one.
    pub expected_output: Option<String>,
    /// Whether the program takes input while it runs.
    pub interactive: bool,
    /// How the program buffers output, if the user asked for a way.
    pub buffering: Option<Buffering>,
    /// The trace that the submission belongs to.
    pub trace: Option<TraceContext>,
}

impl SubmissionParts {
    pub(super) fn equals_beside_trace(&self, other: &Self) -> bool {
        let Self {
            user,
            language,
            version,
            code,
            input,
            args,
            files,
            limits,
            expected_output,
            interactive,
            buffering,
            trace: _,
        } = self;
        (user, language, version) == (&other.user, &other.language, &other.version)
            && (code, input, args) == (&other.code, &other.input, &other.args)
            && (files, limits) == (&other.files, &other.limits)
            && expected_output == &other.expected_output
            && (interactive, buffering) == (&other.interactive, &other.buffering)
    }
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
