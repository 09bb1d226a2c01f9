//! Encodes the record of one execution, for `status`, sockets and event streams.

use std::borrow::Cow;

use coderun_domain::{
    ByteSize, CompileReport, Execution, ExecutionId, ExitStatus, Outcome, Output, Report, Signal,
    StorePolicy, Usage,
};
use serde::Serialize;

use super::enforcement::WireEnforcement;
use super::format::{Base64, DisplayText, Megabytes, Seconds, Timestamp, millis};
use super::limits::WireLimits;

/// The size of a record without its texts, roughly.
const RECORD_BYTES: usize = 1_536;

/// The client that a record is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// A client that reads the whole record.
    Reader,
    /// A client that watches its changes. Its records omit the user and the submission, which never change.
    Watcher,
}

/// The record of one execution. The keys of the core contract stand first and in its order.
#[derive(Debug, Serialize)]
pub(crate) struct ExecutionRecord<'a> {
    execution_id: DisplayText<ExecutionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    language: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_data: Option<&'a str>,
    status: &'static str,
    output: Option<Cow<'a, str>>,
    error_output: Option<Cow<'a, str>>,
    execution_time: Option<DisplayText<Seconds>>,
    memory_usage: Option<DisplayText<Megabytes>>,
    created_at: Timestamp,
    updated_at: Timestamp,
    completed_at: Option<Timestamp>,
    verdict: Option<&'static str>,
    exit_code: Option<i32>,
    signal: Option<DisplayText<Signal>>,
    cpu_time_ms: Option<u64>,
    wall_time_ms: Option<u64>,
    memory_bytes: Option<u64>,
    compile: Option<CompileRecord<'a>>,
    output_truncated: bool,
    error_output_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_base64: Option<Base64<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_output_base64: Option<Base64<'a>>,
    seq: u64,
    language_version: Option<&'a str>,
    runner: Option<&'a str>,
    limits: WireLimits,
    enforcement: Option<WireEnforcement<'a>>,
    hint: Option<&'a str>,
    pub(crate) queue_position: Option<u64>,
    attempts: u32,
    expires_at: Timestamp,
    /// About fields that were ignored, in the answer to a submission.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

impl<'a> ExecutionRecord<'a> {
    /// The record of an execution that is kept under this policy.
    pub(crate) fn new(execution: &'a Execution, policy: &StorePolicy, audience: Audience) -> Self {
        let (submission, progress) = (execution.submission(), execution.progress());
        let outcome = execution.outcome().map(AsRef::as_ref);
        let report = outcome.and_then(Outcome::report);
        let usage = report.map_or(Usage::default(), |report| report.usage);
        let whole = audience == Audience::Reader;
        let (exit_code, signal) = exit_status(report.and_then(|report| report.exit_status));
        Self {
            execution_id: DisplayText(execution.id()),
            user_id: whole.then(|| submission.user().as_str()),
            code: whole.then(|| submission.code()),
            language: submission.language().as_str(),
            input_data: whole.then(|| submission.input()),
            status: execution.reported_status().as_str(),
            output: outcome.map(|outcome| text(outcome.output())),
            error_output: outcome.map(|outcome| error_text(execution, outcome)),
            execution_time: usage.cpu_time.map(|time| DisplayText(Seconds(time))),
            memory_usage: usage.memory.map(|memory| DisplayText(Megabytes(memory))),
            created_at: Timestamp(progress.created_at()),
            updated_at: Timestamp(progress.updated_at()),
            completed_at: progress.completed_at().map(Timestamp),
            verdict: outcome.map(|outcome| outcome.verdict().as_str()),
            exit_code,
            signal,
            cpu_time_ms: usage.cpu_time.map(millis),
            wall_time_ms: usage.wall_time.map(millis),
            memory_bytes: usage.memory.map(ByteSize::as_bytes),
            compile: report
                .and_then(|report| report.compile.as_ref())
                .map(CompileRecord::from),
            output_truncated: outcome.is_some_and(|it| it.output().is_truncated()),
            error_output_truncated: outcome.is_some_and(|it| it.error_output().is_truncated()),
            output_base64: outcome.and_then(|outcome| exact(outcome.output())),
            error_output_base64: outcome.and_then(|outcome| exact(outcome.error_output())),
            seq: execution.sequence().number(),
            language_version: report.and_then(|report| report.language_version.as_deref()),
            runner: report.map(|report| report.runner.as_str()),
            limits: WireLimits::from(submission.limits()),
            enforcement: report.map(|report| WireEnforcement::from(&report.enforcement)),
            hint: report.and_then(|report: &Report| report.hint.as_deref()),
            queue_position: None,
            attempts: execution.attempt().count(),
            expires_at: Timestamp(policy.expires_at(execution)),
            warnings: Vec::new(),
        }
    }

    /// The approximate size, so that its buffer need not grow.
    pub(crate) fn size_hint(&self) -> usize {
        let texts = [
            self.code,
            self.input_data,
            self.output.as_deref(),
            self.error_output.as_deref(),
        ];
        let texts = texts.into_iter().flatten().map(str::len).sum::<usize>();
        let exact = [&self.output_base64, &self.error_output_base64];
        let exact = exact.into_iter().flatten().map(Base64::len).sum::<usize>();
        RECORD_BYTES + texts + texts / 16 + exact
    }
}

/// The bytes of all texts in the record of an execution, as they are stored.
pub(crate) fn text_bytes(execution: &Execution, audience: Audience) -> usize {
    let submission = execution.submission();
    let submitted = match audience {
        Audience::Reader => submission.code().len() + submission.input().len(),
        Audience::Watcher => 0,
    };
    let Some(outcome) = execution.outcome() else {
        return submitted;
    };
    let report = outcome.report();
    let compile = report.and_then(|report| report.compile.as_ref());
    let compiled = compile.map_or(0, |it| {
        it.output.bytes().len() + it.error_output.bytes().len()
    });
    let hint = report.and_then(|report| report.hint.as_ref());
    submitted
        + outcome.output().bytes().len()
        + outcome.error_output().bytes().len()
        + compiled
        + hint.map_or(0, String::len)
}

/// An upper bound of the length of JSON with texts of this many bytes. A byte takes at most six in a JSON string, and 4/3 more
/// where the exact bytes are given as well.
pub(crate) const fn json_bytes_max(text_bytes: usize) -> usize {
    text_bytes
        .saturating_mul(8)
        .saturating_add(2 * RECORD_BYTES)
}

/// The compile stage of a record.
#[derive(Debug, Serialize)]
struct CompileRecord<'a> {
    output: Cow<'a, str>,
    error_output: Cow<'a, str>,
    exit_code: Option<i32>,
    cpu_time_ms: Option<u64>,
    wall_time_ms: Option<u64>,
    memory_bytes: Option<u64>,
}

impl<'a> From<&'a CompileReport> for CompileRecord<'a> {
    fn from(report: &'a CompileReport) -> Self {
        Self {
            output: text(&report.output),
            error_output: text(&report.error_output),
            exit_code: exit_status(report.exit_status).0,
            cpu_time_ms: report.usage.cpu_time.map(millis),
            wall_time_ms: report.usage.wall_time.map(millis),
            memory_bytes: report.usage.memory.map(ByteSize::as_bytes),
        }
    }
}

fn exit_status(exit_status: Option<ExitStatus>) -> (Option<i32>, Option<DisplayText<Signal>>) {
    match exit_status {
        Some(ExitStatus::Exited(code)) => (Some(code), None),
        Some(ExitStatus::Signaled(signal)) => (None, Some(DisplayText(signal))),
        None => (None, None),
    }
}

/// Output as text: bytes that are not UTF-8 become U+FFFD.
fn text(output: &Output) -> Cow<'_, str> {
    String::from_utf8_lossy(output.bytes())
}

/// The program's stderr. If that is empty and the execution failed, the reason of the failure; if a limit or the service
/// stopped the program, the reason follows on a line of its own.
fn error_text<'a>(execution: &Execution, outcome: &'a Outcome) -> Cow<'a, str> {
    let written = text(outcome.error_output());
    let is_stopped = outcome.verdict().is_limit() || outcome.reason().is_some();
    let explanation = (is_stopped || written.is_empty())
        .then(|| outcome.explanation(execution.submission().limits()))
        .flatten();
    match explanation {
        None => written,
        Some(reason) if written.is_empty() => Cow::Owned(reason),
        Some(reason) => {
            let written = written.strip_suffix('\n').unwrap_or(&written);
            Cow::Owned(format!("{written}\n{reason}"))
        }
    }
}

/// The exact bytes, if they are not UTF-8.
fn exact(output: &Output) -> Option<Base64<'_>> {
    let bytes = output.bytes();
    std::str::from_utf8(bytes).is_err().then(|| Base64(bytes))
}
