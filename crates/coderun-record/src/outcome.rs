//! Stores the outcome of an execution.

use std::borrow::Cow;

use coderun_domain::{ForcedEnd, Outcome, OutcomeParts, Output, Verdict};
use serde::{Deserialize, Serialize};

use crate::report::ReportRecord;
use crate::{Field, Fields, RecordError};

/// The small structured parts of an outcome.
#[derive(Debug, Serialize, Deserialize)]
struct OutcomeRecord {
    reason: Option<String>,
    report: Option<ReportRecord>,
    output_truncated: bool,
    error_output_truncated: bool,
}

/// Writes an outcome.
///
/// # Errors
/// [`RecordError::Unwritable`].
pub fn encode_outcome(outcome: &Outcome) -> Result<Vec<Field<'_>>, RecordError> {
    let record = OutcomeRecord {
        reason: outcome.reason().map(str::to_owned),
        report: outcome.report().map(ReportRecord::from),
        output_truncated: outcome.output().is_truncated(),
        error_output_truncated: outcome.error_output().is_truncated(),
    };
    let record = rmp_serde::to_vec(&record).map_err(RecordError::unwritable)?;
    let text = |output: &Output| Cow::from(output.bytes().to_vec());
    let mut fields: Vec<Field<'_>> = vec![
        ("verdict", Cow::from(outcome.verdict().as_str().as_bytes())),
        ("outcome", Cow::from(record)),
        ("output", text(outcome.output())),
        ("error_output", text(outcome.error_output())),
    ];
    if let Some(compile) = outcome.report().and_then(|report| report.compile.as_ref()) {
        fields.push(("compile_output", text(&compile.output)));
        fields.push(("compile_error_output", text(&compile.error_output)));
    }
    Ok(fields)
}

/// Reads an outcome, and takes its fields.
///
/// A script that ends an execution by force writes a short form: the field `forced` with a word of [`ForcedEnd`], `output`
/// and `error_output`.
///
/// # Errors
/// [`RecordError::Missing`], [`RecordError::Malformed`] and [`RecordError::Outcome`] if it is damaged.
pub fn decode_outcome(fields: &mut Fields) -> Result<Outcome, RecordError> {
    if let Some(word) = fields.take_optional_text("forced")? {
        let why = ForcedEnd::from_name(&word).ok_or(RecordError::Missing("forced"))?;
        let output = Output::complete(fields.take_bytes("output")?);
        let error_output = Output::complete(fields.take_bytes("error_output")?);
        return Ok(why.outcome(output, error_output));
    }
    let record: OutcomeRecord = fields.take_structure("outcome")?;
    let verdict = Verdict::from_name(&fields.take_text("verdict")?);
    let report = record.report.map(|report| report.decode(fields));
    Ok(Outcome::restore(OutcomeParts {
        verdict: verdict.ok_or(RecordError::Missing("verdict"))?,
        reason: record.reason,
        report: report.transpose()?,
        output: fields.take_output("output", record.output_truncated)?,
        error_output: fields.take_output("error_output", record.error_output_truncated)?,
    })?)
}
