//! Stores a submission, in fields that are written once.

use std::borrow::Cow;

use bytes::Bytes;
use coderun_domain::{
    Buffering, File, FileName, Language, Submission, SubmissionParts, TraceContext, UserId,
};
use serde::{Deserialize, Serialize};

use crate::limits::LimitsRecord;
use crate::{Field, Fields, RecordError};

/// The small structured parts of a submission.
#[derive(Debug, Serialize, Deserialize)]
struct SubmissionRecord {
    version: Option<String>,
    args: Vec<String>,
    /// Name and length of each file. The field `files` holds the contents one after the other.
    files: Vec<(String, usize)>,
    limits: LimitsRecord,
    #[serde(default)]
    buffering: Option<String>,
    #[serde(default)]
    trace: Option<String>,
}

/// A field of its own, because scripts read it without the rest of a submission.
const INTERACTIVE: Field<'static> = ("interactive", Cow::Borrowed(b"1"));

/// Writes a submission, in fields that never change.
///
/// # Errors
/// [`RecordError::Unwritable`].
pub fn encode_submission(submission: &Submission) -> Result<Vec<Field<'_>>, RecordError> {
    let files = submission.files();
    let record = SubmissionRecord {
        version: submission.version().map(str::to_owned),
        args: submission.args().to_vec(),
        files: files
            .iter()
            .map(|file| (file.name().as_str().to_owned(), file.content().len()))
            .collect(),
        limits: LimitsRecord::from(submission.limits()),
        buffering: submission.requested_buffering().map(|it| it.to_string()),
        trace: submission.trace().map(ToString::to_string),
    };
    let record = rmp_serde::to_vec(&record).map_err(RecordError::unwritable)?;
    let mut fields: Vec<Field<'_>> = vec![
        ("user", Cow::from(submission.user().as_str().as_bytes())),
        (
            "language",
            Cow::from(submission.language().as_str().as_bytes()),
        ),
        ("submission", Cow::from(record)),
        ("code", Cow::from(submission.code().as_bytes())),
        ("input", Cow::from(submission.input().as_bytes())),
    ];
    if let Some(expected) = submission.expected_output() {
        fields.push(("expected_output", Cow::from(expected.as_bytes())));
    }
    if !files.is_empty() {
        let contents: Vec<&[u8]> = files.iter().map(|file| file.content().as_ref()).collect();
        fields.push(("files", Cow::from(contents.concat())));
    }
    if submission.is_interactive() {
        fields.push(INTERACTIVE);
    }
    Ok(fields)
}

/// Reads a submission, and takes its fields.
///
/// # Errors
/// [`RecordError::Missing`], [`RecordError::Malformed`], [`RecordError::Submission`], [`RecordError::Identifier`],
/// [`RecordError::Language`] and [`RecordError::Limit`] if it is damaged.
pub fn decode_submission(fields: &mut Fields) -> Result<Submission, RecordError> {
    let record: SubmissionRecord = fields.take_structure("submission")?;
    let contents = Bytes::from(fields.take("files").unwrap_or_default());
    let parts = SubmissionParts {
        user: UserId::parse(fields.take_text("user")?)?,
        language: Language::parse(&fields.take_text("language")?)?,
        version: record.version,
        code: fields.take_text("code")?,
        input: fields.take_text("input")?,
        args: record.args,
        files: split_files(&record.files, contents)?,
        limits: record.limits.decode()?,
        expected_output: fields.take_optional_text("expected_output")?,
        interactive: fields.take(INTERACTIVE.0).is_some(),
        buffering: record
            .buffering
            .as_deref()
            .map(decode_buffering)
            .transpose()?,
        trace: record.trace.as_deref().map(decode_trace).transpose()?,
    };
    Ok(Submission::restore(parts)?)
}

fn decode_buffering(name: &str) -> Result<Buffering, RecordError> {
    Buffering::from_name(name).ok_or(RecordError::Missing("submission"))
}

fn decode_trace(text: &str) -> Result<TraceContext, RecordError> {
    text.parse()
        .map_err(|error| RecordError::Malformed("submission", Box::new(error)))
}

fn split_files(names: &[(String, usize)], mut contents: Bytes) -> Result<Vec<File>, RecordError> {
    let mut files = Vec::with_capacity(names.len());
    for (name, length) in names {
        if *length > contents.len() {
            return Err(RecordError::Missing("files"));
        }
        let name = FileName::parse(name)
            .map_err(|error| RecordError::Malformed("submission", Box::new(error)))?;
        files.push(File::new(name, contents.split_to(*length)));
    }
    Ok(files)
}
