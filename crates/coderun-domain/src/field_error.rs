//! Lists the errors of a submission, field by field.

use std::fmt;

use crate::named_enum::named_enum;
use crate::{
    ByteSize, FailureKind, FileNameError, Language, UnavailableCause, UnavailableLanguage,
};

/// The part of a submission that an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The source text.
    Code,
    /// The language.
    Language,
    /// The version of the language.
    Version,
    /// The input on stdin.
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
    /// The expected output.
    ExpectedOutput,
    /// The wish to send input while the program runs.
    Interactive,
    /// The way in which output is buffered.
    Buffering,
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
            Self::Limit(name) => write!(f, "limits.{name}"),
            Self::ExpectedOutput => f.write_str("expected_output"),
            Self::Interactive => f.write_str("interactive"),
            Self::Buffering => f.write_str("buffering"),
        }
    }
}

named_enum! {
    /// A limit that a caller may ask for, by its name on the wire.
    pub enum LimitName {
        /// CPU time of the run, in milliseconds.
        CpuTimeMs => "cpu_time_ms",
        /// Wall time of the run, in milliseconds.
        WallTimeMs => "wall_time_ms",
        /// Memory of the run, in bytes.
        MemoryBytes => "memory_bytes",
        /// Output per stream, in bytes.
        OutputBytes => "output_bytes",
        /// Processes at one time.
        Processes => "processes",
    }
}

/// An error of one field, with the numbers that the caller needs to correct it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// The field is required.
    #[error("must not be empty")]
    Empty,
    /// The text is too long.
    #[error("must be at most {max}, not {}", exactly(*actual, *max))]
    TooLong {
        /// The received size.
        actual: ByteSize,
        /// The allowed size.
        max: ByteSize,
    },
    /// The list is too long.
    #[error("must have at most {max} entries, not {actual}")]
    TooMany {
        /// The received number.
        actual: usize,
        /// The allowed number.
        max: usize,
    },
    /// The number is too large.
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
    /// The text contains a NUL, which the operating system does not allow.
    #[error("must not contain NUL")]
    ContainsNul,
    /// There is no such value.
    #[error("must be one of {}", known.join(", "))]
    Unknown {
        /// The available ones.
        known: Vec<String>,
    },
    /// No runner has a language of this name.
    #[error("is unknown; {}", known_languages(known, nearest.as_ref()))]
    UnknownLanguage {
        /// The available ones, each with its aliases.
        known: Vec<String>,
        /// The one whose name the caller may have mistyped.
        nearest: Option<Language>,
    },
    /// The language is known, or its version, and cannot be run now.
    #[error("{}", unavailable(language, known))]
    UnavailableLanguage {
        /// The language, and why it cannot be run.
        language: UnavailableLanguage,
        /// The available languages, or versions of the language.
        known: Vec<String>,
    },
    /// The name is an alias of several languages.
    #[error("may mean each of {}; use one of these names", names(languages))]
    AmbiguousLanguage {
        /// The languages.
        languages: Vec<Language>,
    },
    /// No runner has this version of the language.
    #[error(
        "must name an offered version of {language}, not `{version}`; {}",
        offered(known)
    )]
    UnknownVersion {
        /// The requested version.
        version: String,
        /// The language.
        language: Language,
        /// The available versions.
        known: Vec<String>,
    },
    /// The name of the language ends in another version.
    #[error("is `{version}`, but `language` names version `{version_in_name}`")]
    ContradictsLanguage {
        /// The requested version.
        version: String,
        /// The version in the name.
        version_in_name: String,
    },
    /// No runner supports this.
    #[error("is not offered by this deployment")]
    NotOffered,
    /// The text cannot name a file beside the code.
    #[error(transparent)]
    FileName(#[from] FileNameError),
    /// Another file or the entry file has the same name.
    #[error("must not repeat the name of another file or of the code, which is `{entry_file}`")]
    FileNameTaken {
        /// The name under which the code is stored.
        entry_file: String,
    },
}

/// Prints the received size in bytes if both sizes would print alike.
fn exactly(actual: ByteSize, max: ByteSize) -> String {
    if actual.to_string() == max.to_string() {
        return format!("{} bytes", actual.as_bytes());
    }
    actual.to_string()
}

fn names(languages: &[Language]) -> String {
    let names: Vec<_> = languages.iter().map(Language::as_str).collect();
    names.join(", ")
}

fn known_languages(known: &[String], nearest: Option<&Language>) -> String {
    let known = bounded_list(known);
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? Known are {known}"),
        None => format!("known are {known}"),
    }
}

fn unavailable(language: &UnavailableLanguage, known: &[String]) -> String {
    let name = language.name();
    match &language.cause {
        UnavailableCause::BeingChecked => {
            format!("names {name}, which is still being checked; try again in a few seconds")
        }
        UnavailableCause::Failing(reason) => {
            format!("names {name}, which does not run here now: {reason}")
        }
        UnavailableCause::NotInstalled => {
            format!(
                "names {name}, which is not installed here; {}",
                offered(known)
            )
        }
    }
}

fn offered(versions: &[String]) -> String {
    if versions.is_empty() {
        return "it is offered without a choice of versions".to_owned();
    }
    format!("offered are {}", bounded_list(versions))
}

/// The entries up to some length, and how many more there are.
fn bounded_list(entries: &[String]) -> String {
    const MAX_BYTES: usize = 2000;
    let mut listed = String::new();
    for (index, entry) in entries.iter().enumerate() {
        if listed.len() + entry.len() > MAX_BYTES {
            return format!("{listed} and {} more", entries.len() - index);
        }
        if index > 0 {
            listed.push_str(", ");
        }
        listed.push_str(entry);
    }
    listed
}

/// One error of a submission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// The problem.
    pub problem: FieldProblem,
}

impl FieldError {
    /// The language that cannot be run because it is still being checked, if that is the problem.
    pub(crate) fn language_being_checked(&self) -> Option<&UnavailableLanguage> {
        let FieldProblem::UnavailableLanguage { language, .. } = &self.problem else {
            return None;
        };
        language.is_being_checked().then_some(language)
    }
}

/// All errors of a submission.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubmissionError {
    errors: Vec<FieldError>,
}

impl SubmissionError {
    pub(crate) fn add(&mut self, field: Field, problem: FieldProblem) {
        self.errors.push(FieldError { field, problem });
    }

    pub(crate) fn append(&mut self, mut later: Self) {
        self.errors.append(&mut later.errors);
    }

    /// The value, unless there are errors.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.errors.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// The errors, in the order of the fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// [`FailureKind::TooLarge`] where code, input or expected output is too long, [`FailureKind::Unavailable`] where nothing
    /// is wrong but that a language is still being checked, else [`FailureKind::Invalid`].
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        let too_large = |error: &FieldError| {
            let is_text = matches!(
                error.field,
                Field::Code | Field::InputData | Field::ExpectedOutput
            );
            is_text && matches!(error.problem, FieldProblem::TooLong { .. })
        };
        let being_checked = |error: &FieldError| error.language_being_checked().is_some();
        if self.errors.iter().any(too_large) {
            FailureKind::TooLarge
        } else if !self.errors.is_empty() && self.errors.iter().all(being_checked) {
            FailureKind::Unavailable
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
