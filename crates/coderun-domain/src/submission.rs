//! Parses what a user submits, once, into a value that stays valid.
//!
//! [`Submission::parse`] turns a [`SubmissionDraft`], the received fields, into a [`Submission`] or into a list of all its
//! errors. A `Submission` need not be checked again.

mod buffering;
mod files;
mod language;
mod parts;
mod policy;
mod source_text;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

pub use buffering::Buffering;
pub use files::{DraftFile, File};
pub use parts::SubmissionParts;
pub use policy::SubmissionPolicy;

use crate::{
    ByteSize, Field, FieldProblem, FileName, Language, LanguageCatalog, LanguageSpec, LimitPolicy,
    Limits, RequestedLimits, SubmissionError, TraceContext, UserId,
};

/// A submission as it arrived, before anything was checked. `Debug` shows lengths only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SubmissionDraft {
    /// Source text of the entry file.
    pub code: String,
    /// Name or alias of the language, as people write it, with or without a version at its end.
    pub language: String,
    /// The requested version; `None` means any.
    pub version: Option<String>,
    /// The input on stdin.
    pub input: String,
    /// Command line arguments of the program.
    pub args: Vec<String>,
    /// Files beside the code.
    pub files: Vec<DraftFile>,
    /// Limits that differ from the defaults.
    pub limits: RequestedLimits,
    /// The output that the verdict `accepted` requires.
    pub expected_output: Option<String>,
    /// Whether the program takes input while it runs.
    pub interactive: bool,
    /// The name of the way in which output is buffered; `None` means the default.
    pub buffering: Option<String>,
    /// The trace that the submission belongs to.
    pub trace: Option<TraceContext>,
}

impl fmt::Debug for SubmissionDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmissionDraft")
            .field("code_bytes", &self.code.len())
            .field("language_bytes", &self.language.len())
            .field("input_bytes", &self.input.len())
            .field("args", &self.args.len())
            .field("files", &self.files.len())
            .field("interactive", &self.interactive)
            .finish_non_exhaustive()
    }
}

/// A submission that was checked against the policy and the languages of this deployment.
///
/// `Debug` shows lengths, never code, input, arguments or files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission(SubmissionParts);

impl Submission {
    /// Checks a draft.
    ///
    /// # Errors
    /// [`SubmissionError`] with one entry for each error, in the order of the fields.
    pub fn parse(
        user: UserId,
        draft: SubmissionDraft,
        catalog: &LanguageCatalog,
        policy: &SubmissionPolicy,
    ) -> Result<Self, SubmissionError> {
        let mut errors = SubmissionError::default();
        check_texts(&draft, policy, &mut errors);
        let language = language::find(&draft, catalog, &mut errors);
        let spec = language.map(|language| language.spec);
        check_args(&draft.args, policy, &mut errors);
        let files = files::parse(&draft.files, spec, policy, &mut errors);
        let buffering = find_buffering(&draft, &mut errors);
        let limits = limit_policy(&draft, spec, policy, &mut errors)
            .resolve(&draft.limits)
            .map_err(|found| errors.append(found));
        let (Some(language), Ok(limits)) = (language, limits) else {
            return Err(errors);
        };
        errors.into_result(Self(SubmissionParts {
            user,
            language: language.spec.language.clone(),
            version: language.version.map(str::to_owned),
            code: draft.code,
            input: draft.input,
            args: draft.args,
            files,
            limits,
            expected_output: draft.expected_output,
            interactive: draft.interactive,
            buffering,
            trace: draft.trace,
        }))
    }

    /// Checks values that a store has kept. Policy and languages do not matter, because they may have changed.
    ///
    /// # Errors
    /// [`SubmissionError`] with everything that is invalid under every policy.
    pub fn restore(parts: SubmissionParts) -> Result<Self, SubmissionError> {
        let mut errors = SubmissionError::default();
        if parts.code.is_empty() {
            errors.add(Field::Code, FieldProblem::Empty);
        }
        for (index, arg) in parts.args.iter().enumerate() {
            check_for_nul(index, arg, &mut errors);
        }
        files::check_names(&parts.files, &mut errors);
        errors.into_result(Self(parts))
    }

    /// Whether this is another submission of the same, by the same user; each may belong to a trace of its own.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        self.0.equals_beside_trace(&other.0)
    }

    /// The user who submitted it.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.0.user
    }

    /// The language, by its canonical name.
    #[must_use]
    pub const fn language(&self) -> &Language {
        &self.0.language
    }

    /// The version that will run, if the runner names its versions.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// The source text of the entry file as it was sent; not empty, and NUL is allowed in it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The input on stdin; may be empty.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.0.input
    }

    /// Command line arguments, none of which holds a NUL.
    #[must_use]
    pub fn args(&self) -> &[String] {
        &self.0.args
    }

    /// Files beside the code as they were sent; no two have the same name and none that of the entry file.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.0.files
    }

    /// The code as a runner stores it: without a byte order mark, and with LF at the end of lines.
    #[must_use]
    pub fn source_text(&self) -> Cow<'_, str> {
        source_text::normalized(self.code())
    }

    /// The files beside the code as a runner stores them. Those in UTF-8 with the ending of the code's file have the form of
    /// [`source_text`](Self::source_text); all others are as they were sent.
    pub fn source_files(&self, entry_file: &str) -> impl Iterator<Item = (&FileName, Bytes)> {
        let ending = entry_file.rfind('.').and_then(|dot| entry_file.get(dot..));
        let is_source =
            move |file: &File| ending.is_some_and(|it| file.name().as_str().ends_with(it));
        self.files().iter().map(move |file| {
            let content = if is_source(file) {
                source_text::normalized_file(file.content())
            } else {
                file.content().clone()
            };
            (file.name(), content)
        })
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The output that the verdict `accepted` requires, if the user gave one.
    #[must_use]
    pub fn expected_output(&self) -> Option<&str> {
        self.0.expected_output.as_deref()
    }

    /// Whether the program takes input while it runs.
    #[must_use]
    pub const fn is_interactive(&self) -> bool {
        self.0.interactive
    }

    /// How the program buffers output: as the user asked. By default in full where the output is only compared, else by
    /// line. Runners that cannot influence it ignore it.
    #[must_use]
    pub fn buffering(&self) -> Buffering {
        let is_only_compared = self.0.expected_output.is_some() && !self.0.interactive;
        self.0.buffering.unwrap_or(if is_only_compared {
            Buffering::Full
        } else {
            Buffering::Line
        })
    }

    /// The way of buffering that the user asked for, if any.
    #[must_use]
    pub const fn requested_buffering(&self) -> Option<Buffering> {
        self.0.buffering
    }

    /// The trace that it belongs to, if the client named one.
    #[must_use]
    pub const fn trace(&self) -> Option<&TraceContext> {
        self.0.trace.as_ref()
    }

    /// The memory that it occupies: all texts and files together.
    #[must_use]
    pub fn size(&self) -> ByteSize {
        let args: usize = self.args().iter().map(String::len).sum();
        let files: usize = self.files().iter().map(|file| file.content().len()).sum();
        let expected = self.expected_output().map_or(0, str::len);
        let total = self.code().len() + self.input().len() + args + files + expected;
        ByteSize::from_bytes(u64::try_from(total).unwrap_or(u64::MAX))
    }
}

/// The limits that a program may have, which differ for languages and for interactive programs.
fn limit_policy(
    draft: &SubmissionDraft,
    spec: Option<&LanguageSpec>,
    policy: &SubmissionPolicy,
    errors: &mut SubmissionError,
) -> LimitPolicy {
    let limits = spec.map_or(policy.limits, |spec| {
        policy.limits.for_language(&spec.limits)
    });
    match policy.interactive_wall_time {
        _ if !draft.interactive => limits,
        Some(wall_time) => limits.with_wall_time(wall_time),
        None => {
            errors.add(Field::Interactive, FieldProblem::NotOffered);
            limits
        }
    }
}

fn check_texts(draft: &SubmissionDraft, policy: &SubmissionPolicy, errors: &mut SubmissionError) {
    if draft.code.is_empty() {
        errors.add(Field::Code, FieldProblem::Empty);
    }
    let expected = draft.expected_output.as_deref().unwrap_or_default();
    for (field, text, max) in [
        (Field::Code, draft.code.as_str(), policy.code_max),
        (Field::InputData, &draft.input, policy.input_max),
        (Field::ExpectedOutput, expected, policy.input_max),
    ] {
        check_length(field, text.as_bytes(), max, errors);
    }
}

fn check_length(field: Field, bytes: &[u8], max: ByteSize, errors: &mut SubmissionError) {
    let actual = ByteSize::of(bytes);
    if actual > max {
        errors.add(field, FieldProblem::TooLong { actual, max });
    }
}

fn find_buffering(draft: &SubmissionDraft, errors: &mut SubmissionError) -> Option<Buffering> {
    let name = draft.buffering.as_deref()?;
    let found = Buffering::from_name(name);
    if found.is_none() {
        let known = Buffering::ALL.map(|known| known.to_string()).to_vec();
        errors.add(Field::Buffering, FieldProblem::Unknown { known });
    }
    found
}

fn check_args(args: &[String], policy: &SubmissionPolicy, errors: &mut SubmissionError) {
    if args.len() > policy.args_max {
        errors.add(
            Field::Args,
            FieldProblem::TooMany {
                actual: args.len(),
                max: policy.args_max,
            },
        );
    }
    for (index, arg) in args.iter().enumerate().take(policy.args_max) {
        check_length(Field::Arg(index), arg.as_bytes(), policy.arg_max, errors);
        check_for_nul(index, arg, errors);
    }
}

fn check_for_nul(index: usize, arg: &str, errors: &mut SubmissionError) {
    if arg.contains('\0') {
        errors.add(Field::Arg(index), FieldProblem::ContainsNul);
    }
}

#[cfg(test)]
mod tests;
