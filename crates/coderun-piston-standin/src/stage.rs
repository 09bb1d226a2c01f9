//! Writes results of stages as Piston does.

use serde::Serialize;

/// The result of one stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Stage {
    /// The signal that ended it; `SIGKILL` whenever the status is `TO`, `OL` or `EL`.
    pub(crate) signal: Option<String>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    /// Both streams, in the order in which they were read.
    pub(crate) output: String,
    /// Units of 1000 bytes for each KiB.
    pub(crate) memory: Option<u64>,
    pub(crate) message: Option<String>,
    /// `RE`, `TO`, `OL` or `EL`; `None` after the exit code 0.
    pub(crate) status: Option<&'static str>,
    /// In milliseconds.
    pub(crate) cpu_time: Option<f64>,
    /// In milliseconds.
    pub(crate) wall_time: Option<f64>,
}

/// The answer to a program that ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ExecuteResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compile: Option<Stage>,
    /// A copy of `compile` where that failed.
    pub(crate) run: Stage,
    pub(crate) language: String,
    pub(crate) version: String,
}

impl ExecuteResult {
    /// An interpreted program that wrote this and exited with 0.
    pub(crate) fn success(language: &str, version: &str, stdout: &str) -> Self {
        Self {
            compile: None,
            run: Stage {
                stdout: stdout.to_owned(),
                output: stdout.to_owned(),
                code: Some(0),
                memory: Some(1_204_000),
                cpu_time: Some(11.0),
                wall_time: Some(29.0),
                ..Stage::default()
            },
            language: language.to_owned(),
            version: version.to_owned(),
        }
    }
}
