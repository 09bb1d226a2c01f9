//! Checks the files that are submitted beside the code.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;

use super::SubmissionPolicy;
use crate::{ByteSize, Field, FieldProblem, FileName, LanguageSpec, SubmissionError};

/// A file beside the code. `Debug` shows the length of the content only.
#[derive(Clone, PartialEq, Eq)]
pub struct File<Name = FileName> {
    name: Name,
    content: Bytes,
}

/// A file as it arrived, before its name was checked.
pub type DraftFile = File<String>;

impl<Name> File<Name> {
    /// A file.
    #[must_use]
    pub fn new(name: impl Into<Name>, content: impl Into<Bytes>) -> Self {
        let (name, content) = (name.into(), content.into());
        Self { name, content }
    }

    /// The path, relative to the code.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// The content.
    #[must_use]
    pub const fn content(&self) -> &Bytes {
        &self.content
    }
}

impl<Name: fmt::Debug> fmt::Debug for File<Name> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name)
            .field("content_bytes", &self.content.len())
            .finish()
    }
}

/// Checks all files, adds their errors to `errors` and returns the valid ones.
pub(super) fn parse(
    files: &[DraftFile],
    spec: Option<&LanguageSpec>,
    policy: &SubmissionPolicy,
    errors: &mut SubmissionError,
) -> Vec<File> {
    check_amount(files, policy, errors);
    let entry_file = spec.map_or("", |spec| spec.entry_file.as_str());
    let mut names = HashSet::from([entry_file.to_owned()]);
    let mut parsed = Vec::new();
    for (index, file) in files.iter().enumerate().take(policy.files_max) {
        match parse_name(&file.name, entry_file, &mut names) {
            Ok(name) => parsed.push(File::new(name, file.content.clone())),
            Err(problem) => errors.add(Field::FileName(index), problem),
        }
    }
    parsed
}

/// Checks that no file has the path of another file or of its folder.
pub(super) fn check_names(files: &[File], errors: &mut SubmissionError) {
    let mut names = HashSet::new();
    for (index, file) in files.iter().enumerate() {
        if let Err(problem) = parse_name(file.name.as_str(), "", &mut names) {
            errors.add(Field::FileName(index), problem);
        }
    }
}

fn check_amount(files: &[DraftFile], policy: &SubmissionPolicy, errors: &mut SubmissionError) {
    if files.len() > policy.files_max {
        errors.add(
            Field::Files,
            FieldProblem::TooMany {
                actual: files.len(),
                max: policy.files_max,
            },
        );
    }
    let total = files.iter().fold(ByteSize::default(), |total, file| {
        total.saturating_add(ByteSize::of(&file.content))
    });
    if total > policy.files_total_max {
        errors.add(
            Field::Files,
            FieldProblem::TooLong {
                actual: total,
                max: policy.files_total_max,
            },
        );
    }
}

/// A name is taken if a file has it, or if a file has it as a folder of its path, or the other way round.
fn parse_name(
    name: &str,
    entry_file: &str,
    names: &mut HashSet<String>,
) -> Result<FileName, FieldProblem> {
    let name = FileName::parse(name)?;
    let is_folder = |other: &String| {
        other
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let parents = name.as_str().match_indices('/').map(|(end, _)| end);
    let below_a_file = parents
        .filter_map(|end| name.as_str().get(..end))
        .any(|parent| names.contains(parent));
    if below_a_file || names.iter().any(is_folder) || !names.insert(name.as_str().to_owned()) {
        return Err(FieldProblem::FileNameTaken {
            entry_file: entry_file.to_owned(),
        });
    }
    Ok(name)
}
