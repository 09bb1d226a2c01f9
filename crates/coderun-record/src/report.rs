//! Defines the stored form of a runner's report, without its output.

use std::time::Duration;

use coderun_domain::{
    ByteSize, CompileReport, Enforcement, ExitStatus, Report, Signal, Usage, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::{Fields, RecordError};

/// A report. Captured output is not in it: it has fields of its own in the record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportRecord {
    verdict: String,
    #[serde(rename = "ending")]
    exit_status: Option<ExitStatusRecord>,
    usage: UsageRecord,
    compile: Option<CompileRecord>,
    language_version: Option<String>,
    runner: String,
    #[serde(with = "EnforcementRecord")]
    enforcement: Enforcement,
    hint: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExitStatusRecord {
    ExitCode(i32),
    Signal(i32),
}

#[derive(Debug, Serialize, Deserialize)]
struct UsageRecord {
    cpu_time_ns: Option<u64>,
    wall_time_ns: Option<u64>,
    memory_bytes: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CompileRecord {
    #[serde(rename = "ending")]
    exit_status: Option<ExitStatusRecord>,
    usage: UsageRecord,
    output_truncated: bool,
    error_output_truncated: bool,
}

/// The serde form of [`Enforcement`], because the domain does not depend on serde; shared with the offers of workers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(remote = "Enforcement")]
pub(crate) struct EnforcementRecord {
    cpu: Option<String>,
    memory: Option<String>,
    processes: Option<String>,
    network: Option<String>,
    filesystem: Option<String>,
    output: Option<String>,
    /// Absent in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancel: Option<String>,
}

impl From<&Report> for ReportRecord {
    fn from(report: &Report) -> Self {
        Self {
            verdict: report.verdict.as_str().to_owned(),
            exit_status: report.exit_status.map(ExitStatusRecord::from),
            usage: UsageRecord::from(report.usage),
            compile: report.compile.as_ref().map(CompileRecord::from),
            language_version: report.language_version.clone(),
            runner: report.runner.clone(),
            enforcement: report.enforcement.clone(),
            hint: report.hint.clone(),
        }
    }
}

impl ReportRecord {
    /// Reads the report. The output of its compile stage is in separate fields of the record.
    pub(crate) fn decode(self, fields: &mut Fields) -> Result<Report, RecordError> {
        let compile = self.compile.map(|compile| compile.decode(fields));
        Ok(Report {
            verdict: Verdict::from_name(&self.verdict).ok_or_else(|| {
                RecordError::Malformed("verdict", "it is not a known verdict".into())
            })?,
            exit_status: self.exit_status.map(ExitStatusRecord::decode),
            usage: self.usage.decode(),
            compile: compile.transpose()?,
            language_version: self.language_version,
            runner: self.runner,
            enforcement: self.enforcement,
            hint: self.hint,
        })
    }
}

impl CompileRecord {
    fn decode(self, fields: &mut Fields) -> Result<CompileReport, RecordError> {
        Ok(CompileReport {
            exit_status: self.exit_status.map(ExitStatusRecord::decode),
            usage: self.usage.decode(),
            output: fields.take_output("compile_output", self.output_truncated)?,
            error_output: fields
                .take_output("compile_error_output", self.error_output_truncated)?,
        })
    }
}

impl From<&CompileReport> for CompileRecord {
    fn from(report: &CompileReport) -> Self {
        Self {
            exit_status: report.exit_status.map(ExitStatusRecord::from),
            usage: UsageRecord::from(report.usage),
            output_truncated: report.output.is_truncated(),
            error_output_truncated: report.error_output.is_truncated(),
        }
    }
}

impl From<ExitStatus> for ExitStatusRecord {
    fn from(exit_status: ExitStatus) -> Self {
        match exit_status {
            ExitStatus::Exited(code) => Self::ExitCode(code),
            ExitStatus::Signaled(signal) => Self::Signal(signal.number()),
        }
    }
}

impl ExitStatusRecord {
    const fn decode(self) -> ExitStatus {
        match self {
            Self::ExitCode(code) => ExitStatus::Exited(code),
            Self::Signal(number) => ExitStatus::Signaled(Signal::from_number(number)),
        }
    }
}

impl From<Usage> for UsageRecord {
    fn from(usage: Usage) -> Self {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            cpu_time_ns: usage.cpu_time.map(nanos),
            wall_time_ns: usage.wall_time.map(nanos),
            memory_bytes: usage.memory.map(ByteSize::as_bytes),
        }
    }
}

impl UsageRecord {
    fn decode(&self) -> Usage {
        Usage {
            cpu_time: self.cpu_time_ns.map(Duration::from_nanos),
            wall_time: self.wall_time_ns.map(Duration::from_nanos),
            memory: self.memory_bytes.map(ByteSize::from_bytes),
        }
    }
}
