//! What is said about a stage on the wire, in Piston's words and in the order of its keys.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The result of one stage, as it stands in an answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StageResult {
    /// The name of the signal that ended it; `SIGKILL` whenever the status is `TO`, `OL` or `EL`.
    pub signal: Option<String>,
    /// What was taken of its stdout.
    pub stdout: String,
    /// What was taken of its stderr.
    pub stderr: String,
    /// Its exit code.
    pub code: Option<i32>,
    /// Both streams, in the order in which their pieces came.
    pub output: String,
    /// Peak memory in units of 1 000 bytes for each KiB.
    pub memory: Option<u64>,
    /// What Isolate says about the status.
    pub message: Option<String>,
    /// `RE`, `SG`, `TO`, `OL`, `EL` or `XX`; `None` for an exit with code 0.
    pub status: Option<String>,
    /// CPU time in milliseconds.
    #[serde(rename = "cpu_time", serialize_with = "as_javascript_does")]
    pub cpu_time_ms: Option<f64>,
    /// Time on the clock in milliseconds.
    #[serde(rename = "wall_time", serialize_with = "as_javascript_does")]
    pub wall_time_ms: Option<f64>,
}

impl StageResult {
    /// A program that wrote this to stdout and exited with this code, in a few milliseconds and with 1 204 KiB.
    #[must_use]
    pub fn exited(code: i32, stdout: impl Into<String>) -> Self {
        let stdout = stdout.into();
        Self {
            output: stdout.clone(),
            stdout,
            code: Some(code),
            memory: Some(1_204_000),
            message: (code != 0).then(|| format!("Exited with error status {code}")),
            status: (code != 0).then(|| "RE".to_owned()),
            cpu_time_ms: Some(11.0),
            wall_time_ms: Some(29.0),
            ..Self::default()
        }
    }
}

/// The answer to every program where none is run. Language and version are those of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedResult {
    /// The compile stage, if the language is to look compiled.
    pub compile: Option<StageResult>,
    /// The run stage; `None` makes it a copy of `compile`, as after a failed compilation.
    pub run: Option<StageResult>,
    /// How long the program seems to run. Default: 0.
    pub takes: Duration,
}

impl FixedResult {
    /// A run without a compile stage, which takes no time.
    #[must_use]
    pub const fn of_run(run: StageResult) -> Self {
        Self {
            compile: None,
            run: Some(run),
            takes: Duration::ZERO,
        }
    }
}

impl Default for FixedResult {
    /// Prints a greeting.
    fn default() -> Self {
        Self::of_run(StageResult::exited(0, "Hello, World!\n"))
    }
}

/// The whole answer to a program.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ExecuteResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compile: Option<StageResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<StageResult>,
    pub(crate) language: String,
    pub(crate) version: String,
}

/// A number without a fraction is printed without one.
#[expect(clippy::ref_option, reason = "serde passes fields so")]
fn as_javascript_does<S: Serializer>(
    milliseconds: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match milliseconds {
        None => serializer.serialize_none(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "without a fraction, and no program runs that long"
        )]
        Some(number) if number.fract() == 0.0 => serializer.serialize_i64(*number as i64),
        Some(number) => serializer.serialize_f64(*number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_pistons_keys_in_pistons_order() {
        let stage = StageResult {
            wall_time_ms: Some(1.001 * 1000.0),
            ..StageResult::exited(3, "x")
        };
        assert_eq!(
            serde_json::to_string(&stage).unwrap(),
            r#"{"signal":null,"stdout":"x","stderr":"","code":3,"output":"x","memory":1204000,"#
                .to_owned()
                + r#""message":"Exited with error status 3","status":"RE","cpu_time":11,"wall_time":1000.9999999999999}"#
        );
    }
}
