//! Decodes submissions and encodes the answer to them.

use bytes::Bytes;
use coderun_domain::{
    DraftFile, Execution, ExecutionId, RequestedLimits, SubmissionDraft, TraceContext,
};
use coderun_json::Object;
use serde::{Deserialize, Serialize};

use super::format::{DisplayText, decode_base64};
use crate::problem::ProblemEntry;

/// What is wrong with an option of the contract that this version does not have.
pub(crate) const NOT_OFFERED: &str = "is not offered by this deployment yet";

/// A submission as it arrives. Every field is optional here, because the domain reports missing ones. `null` counts as absent,
/// and unknown keys are ignored.
#[derive(Deserialize)]
pub(crate) struct SubmitRequest {
    code: Option<String>,
    language: Option<String>,
    version: Option<String>,
    input_data: Option<String>,
    args: Option<Vec<String>>,
    files: Option<Vec<Object<FileRequest>>>,
    limits: Option<Object<LimitsRequest>>,
    expected_output: Option<String>,
    callback_url: Option<String>,
    interactive: Option<bool>,
    buffering: Option<String>,
}

#[derive(Deserialize)]
struct FileRequest {
    name: Option<String>,
    content: Option<String>,
    encoding: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct LimitsRequest(#[serde(with = "LimitFields")] RequestedLimits);

/// Mirrors the fields of [`RequestedLimits`], for serde.
#[derive(Deserialize)]
#[serde(remote = "RequestedLimits")]
struct LimitFields {
    cpu_time_ms: Option<u64>,
    wall_time_ms: Option<u64>,
    memory_bytes: Option<u64>,
    output_bytes: Option<u64>,
    processes: Option<u64>,
}

impl SubmitRequest {
    /// The draft for the domain, and the errors in the parts that the domain does not see.
    pub(crate) fn into_draft(
        self,
        trace: Option<TraceContext>,
    ) -> (SubmissionDraft, Vec<ProblemEntry>) {
        let mut errors = Vec::new();
        let files = self.files.unwrap_or_default();
        let files = files
            .into_iter()
            .enumerate()
            .map(|(index, Object(file))| file.decode(index, &mut errors))
            .collect();
        if self.callback_url.is_some() {
            errors.push(ProblemEntry::of_field("callback_url", NOT_OFFERED));
        }
        let draft = SubmissionDraft {
            code: self.code.unwrap_or_default(),
            language: self.language.unwrap_or_default(),
            version: self.version,
            input: self.input_data.unwrap_or_default(),
            args: self.args.unwrap_or_default(),
            files,
            limits: self
                .limits
                .map(|Object(LimitsRequest(limits))| limits)
                .unwrap_or_default(),
            expected_output: self.expected_output,
            interactive: self.interactive.unwrap_or_default(),
            buffering: self.buffering,
            trace,
        };
        (draft, errors)
    }
}

impl FileRequest {
    fn decode(self, index: usize, errors: &mut Vec<ProblemEntry>) -> DraftFile {
        let content = self.content.unwrap_or_default();
        let mut refuse = |field: &str, detail: &'static str| {
            let path = format_args!("files[{index}].{field}");
            errors.push(ProblemEntry::of_field(path, detail));
            Bytes::new()
        };
        let bytes = match self.encoding.as_deref() {
            None | Some("utf-8") => Bytes::from(content),
            Some("base64") => decode_base64(&content)
                .map_or_else(|| refuse("content", "must be base64"), Bytes::from),
            Some(_) => refuse("encoding", "must be `utf-8` or `base64`"),
        };
        DraftFile::new(self.name.unwrap_or_default(), bytes)
    }
}

/// The answer to an accepted submission.
#[derive(Debug, Serialize)]
pub(crate) struct SubmitAnswer {
    execution_id: DisplayText<ExecutionId>,
    status: &'static str,
    message: String,
}

impl From<&Execution> for SubmitAnswer {
    fn from(execution: &Execution) -> Self {
        let id = execution.id();
        Self {
            execution_id: DisplayText(id),
            status: execution.reported_status().as_str(),
            message: format!(
                "Code submitted for execution. Use execution_id: {id} to track progress."
            ),
        }
    }
}
