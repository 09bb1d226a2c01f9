//! What a record says of the compile stage.

use std::borrow::Cow;

use coderun_domain::{ByteSize, CompileReport};
use serde::Serialize;

use super::{ending, millis, text};

#[derive(Debug, Serialize)]
pub(super) struct CompileRecord<'a> {
    output: Cow<'a, str>,
    error_output: Cow<'a, str>,
    exit_code: Option<i32>,
    cpu_time_ms: Option<u64>,
    wall_time_ms: Option<u64>,
    memory_bytes: Option<u64>,
}

impl<'a> From<&'a CompileReport> for CompileRecord<'a> {
    fn from(report: &'a CompileReport) -> Self {
        let CompileReport {
            ending: ended,
            usage,
            output,
            error_output,
        } = report;
        Self {
            output: text(output),
            error_output: text(error_output),
            exit_code: ending(*ended).0,
            cpu_time_ms: usage.cpu_time.map(millis),
            wall_time_ms: usage.wall_time.map(millis),
            memory_bytes: usage.memory.map(ByteSize::as_bytes),
        }
    }
}
