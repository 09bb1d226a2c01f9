//! Decodes submissions and encodes the answer to them.

use bytes::Bytes;
use coderun_domain::{
    DraftFile, Execution, ExecutionId, RequestedLimits, SubmissionDraft, TraceContext,
};
use serde::Serialize;

use super::format::{DisplayText, decode_base64};
use crate::body::{Entries, Faults, FromJson, Lenient, json_objects};
use crate::problem::ProblemEntry;

/// What is wrong with an option of the contract that this version does not have.
const NOT_OFFERED: &str = "is not offered by this deployment yet";

/// The fields of a submission, for suggestions in place of a misspelt one.
pub(crate) const FIELDS: [&str; 15] = [
    "code",
    "language",
    "version",
    "input_data",
    "args",
    "files",
    "limits",
    "expected_output",
    "interactive",
    "buffering",
    "limits.cpu_time_ms",
    "limits.wall_time_ms",
    "limits.memory_bytes",
    "limits.output_bytes",
    "limits.processes",
];

json_objects! {
    /// A submission as it arrives.
    pub(crate) struct SubmitRequest {
        code: String,
        language: String,
        version: String,
        input_data: String,
        args: Entries<String>,
        files: Entries<FileRequest>,
        limits: LimitsRequest,
        expected_output: String,
        callback_url: String,
        interactive: bool,
        buffering: String,
    }

    struct FileRequest {
        name: String,
        content: String,
        encoding: String,
    }

    struct LimitsRequest {
        cpu_time_ms: u64,
        wall_time_ms: u64,
        memory_bytes: u64,
        output_bytes: u64,
        processes: u64,
    }
}

impl SubmitRequest {
    /// The draft for the domain, and the errors that the domain does not see.
    pub(crate) fn into_draft(
        self,
        trace: Option<TraceContext>,
    ) -> (SubmissionDraft, Vec<ProblemEntry>) {
        let mut faults = Faults::default();
        let draft = SubmissionDraft {
            code: required(self.code, "code", &mut faults),
            language: required(self.language, "language", &mut faults),
            version: self.version.take("version", &mut faults),
            input: self
                .input_data
                .take("input_data", &mut faults)
                .unwrap_or_default(),
            args: entries(self.args, "args", &mut faults)
                .into_iter()
                .map(|(_, arg)| arg)
                .collect(),
            files: entries(self.files, "files", &mut faults)
                .into_iter()
                .map(|(index, file)| file.decode(index, &mut faults))
                .collect(),
            limits: self
                .limits
                .take("limits", &mut faults)
                .unwrap_or_default()
                .requested(&mut faults),
            expected_output: self.expected_output.take("expected_output", &mut faults),
            interactive: self
                .interactive
                .take("interactive", &mut faults)
                .unwrap_or_default(),
            buffering: self.buffering.take("buffering", &mut faults),
            trace,
        };
        if self
            .callback_url
            .take("callback_url", &mut faults)
            .is_some()
        {
            faults.add("callback_url", NOT_OFFERED);
        }
        (draft, faults.into_entries())
    }
}

/// The text of a field that must be there. Empty text is left to the domain.
fn required(field: Lenient<String>, path: &str, faults: &mut Faults) -> String {
    if field.is_absent() {
        faults.add(path, "is required");
    }
    field.take(path, faults).unwrap_or_default()
}

fn entries<T: FromJson>(
    list: Lenient<Entries<T>>,
    path: &str,
    faults: &mut Faults,
) -> Vec<(usize, T)> {
    let list = list.take(path, faults);
    list.map(|list| list.take(path, faults)).unwrap_or_default()
}

impl LimitsRequest {
    fn requested(self, faults: &mut Faults) -> RequestedLimits {
        RequestedLimits {
            cpu_time_ms: self.cpu_time_ms.take("limits.cpu_time_ms", faults),
            wall_time_ms: self.wall_time_ms.take("limits.wall_time_ms", faults),
            memory_bytes: self.memory_bytes.take("limits.memory_bytes", faults),
            output_bytes: self.output_bytes.take("limits.output_bytes", faults),
            processes: self.processes.take("limits.processes", faults),
        }
    }
}

impl FileRequest {
    fn decode(self, index: usize, faults: &mut Faults) -> DraftFile {
        let path = |field: &str| format!("files[{index}].{field}");
        let name = self.name.take(path("name"), faults).unwrap_or_default();
        let content = self
            .content
            .take(path("content"), faults)
            .unwrap_or_default();
        let encoding = self.encoding.take(path("encoding"), faults);
        let bytes = match encoding.as_deref() {
            None | Some("utf-8") => Bytes::from(content),
            Some("base64") => decode_base64(&content).map_or_else(
                || {
                    faults.add(path("content"), "must be base64");
                    Bytes::new()
                },
                Bytes::from,
            ),
            Some(_) => {
                faults.add(path("encoding"), "must be `utf-8` or `base64`");
                Bytes::new()
            }
        };
        DraftFile::new(name, bytes)
    }
}

/// The answer to an accepted submission.
#[derive(Debug, Serialize)]
pub(crate) struct SubmitAnswer {
    execution_id: DisplayText<ExecutionId>,
    status: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SubmitAnswer {
    /// The answer with these warnings.
    pub(crate) fn new(execution: &Execution, warnings: Vec<String>) -> Self {
        let id = execution.id();
        Self {
            execution_id: DisplayText(id),
            status: execution.reported_status().as_str(),
            message: format!(
                "Code submitted for execution. Use execution_id: {id} to track progress."
            ),
            warnings,
        }
    }
}
