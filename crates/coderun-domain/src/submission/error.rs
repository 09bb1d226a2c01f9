//! What can be wrong with a submission, field by field.

use std::fmt;

use crate::{ByteSize, FailureKind};

use super::FileNameError;

/// The part of a submission that an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The source text.
    Code,
    /// The language.
    Language,
    /// The version of the language.
    Version,
    /// What the program reads.
    InputData,
    /// All arguments together.
    Args,
    /// One argument, counted from 0.
    Arg(usize),
    /// All files together.
    Files,
    /// The name of one file, counted from 0.
    FileName(usize),
    /// One of the limits.
    Limit(LimitName),
    /// What the program must print.
    ExpectedOutput,
    /// Whether input comes while the program runs.
    Interactive,
}

impl fmt::Display for Field {
    /// Prints a path such as `code`, `files[2].name` or `limits.memory_bytes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("code"),
            Self::Language => f.write_str("language"),
            Self::Version => f.write_str("version"),
            Self::InputData => f.write_str("input_data"),
            Self::Args => f.write_str("args"),
            Self::Arg(index) => write!(f, "args[{index}]"),
            Self::Files => f.write_str("files"),
            Self::FileName(index) => write!(f, "files[{index}].name"),
            Self::Limit(name) => write!(f, "limits.{}", name.as_str()),
            Self::ExpectedOutput => f.write_str("expected_output"),
            Self::Interactive => f.write_str("interactive"),
        }
    }
}

/// A limit that a caller may ask for, by its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitName {
    /// CPU time of the run, in milliseconds.
    CpuTimeMs,
    /// Wall time of the run, in milliseconds.
    WallTimeMs,
    /// Memory of the run, in bytes.
    MemoryBytes,
    /// Output per stream, in bytes.
    OutputBytes,
    /// Processes at one time.
    Processes,
}

impl LimitName {
    /// The name with its unit, such as `memory_bytes`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CpuTimeMs => "cpu_time_ms",
            Self::WallTimeMs => "wall_time_ms",
            Self::MemoryBytes => "memory_bytes",
            Self::OutputBytes => "output_bytes",
            Self::Processes => "processes",
        }
    }
}

/// What is wrong with one field, with the numbers a caller needs to put it right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// Something is required here.
    #[error("must not be empty")]
    Empty,
    /// There is too much of it.
    #[error("must be at most {max}, not {}", exactly(*actual, *max))]
    TooLong {
        /// What arrived.
        actual: ByteSize,
        /// What is allowed.
        max: ByteSize,
    },
    /// There are too many of them.
    #[error("must have at most {max} entries, not {actual}")]
    TooMany {
        /// How many arrived.
        actual: usize,
        /// How many are allowed.
        max: usize,
    },
    /// The number is too great.
    #[error("must be at most {max}")]
    AboveMaximum {
        /// The greatest allowed.
        max: u64,
    },
    /// The number is too small.
    #[error("must be at least {min}")]
    BelowMinimum {
        /// The least allowed.
        min: u64,
    },
    /// A NUL stands where the operating system allows none.
    #[error("must not contain NUL")]
    ContainsNul,
    /// No runner here has this language.
    #[error("must be one of {}", list(known))]
    UnknownLanguage {
        /// Those there are.
        known: Vec<String>,
    },
    /// No runner here has this version of the language.
    #[error("must be one of {}", list(known))]
    UnknownVersion {
        /// Those there are.
        known: Vec<String>,
    },
    /// No runner here can do it.
    #[error("is not offered by this deployment")]
    NotOffered,
    /// The text cannot name a file beside the code.
    #[error(transparent)]
    FileName(#[from] FileNameError),
    /// Another file has the name already, or the entry file has.
    #[error("must not repeat the name of another file or of the code, which is `{entry_file}`")]
    FileNameTaken {
        /// The name under which the code is stored.
        entry_file: String,
    },
}

/// Both sizes print alike when rounded, so the offending one is printed in bytes.
fn exactly(actual: ByteSize, max: ByteSize) -> String {
    if actual.to_string() == max.to_string() {
        return format!("{} bytes", actual.as_bytes());
    }
    actual.to_string()
}

fn list(known: &[String]) -> String {
    if known.is_empty() {
        return "none: this deployment offers nothing here".to_owned();
    }
    known.join(", ")
}

/// One thing that is wrong with a submission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct FieldError {
    /// Where.
    pub field: Field,
    /// What.
    pub problem: FieldProblem,
}

impl FieldError {
    pub(crate) const fn new(field: Field, problem: FieldProblem) -> Self {
        Self { field, problem }
    }
}

/// Everything that is wrong with a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionError {
    errors: Vec<FieldError>,
}

impl SubmissionError {
    pub(super) const fn new(errors: Vec<FieldError>) -> Self {
        Self { errors }
    }

    /// What is wrong, in the order of the fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// [`FailureKind::TooLarge`] where code, input or expected output is too long, else [`FailureKind::Invalid`].
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        let too_large = |error: &FieldError| {
            let is_text = matches!(
                error.field,
                Field::Code | Field::InputData | Field::ExpectedOutput
            );
            is_text && matches!(error.problem, FieldProblem::TooLong { .. })
        };
        if self.errors.iter().any(too_large) {
            FailureKind::TooLarge
        } else {
            FailureKind::Invalid
        }
    }
}

impl fmt::Display for SubmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SubmissionError {}
