//! What Piston answers to a program that it ran.

use serde::Deserialize;

/// The answer to `/execute`.
#[derive(Deserialize)]
pub(super) struct Executed {
    /// Absent where the language is not compiled.
    pub(super) compile: Option<Stage>,
    /// A copy of `compile` where that failed.
    pub(super) run: Stage,
    pub(super) version: String,
}

/// How one stage went.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Stage {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<String>,
    /// Two letters, for all that does not end well.
    pub(super) status: Option<String>,
    /// In milliseconds.
    pub(super) cpu_time: Option<f64>,
    /// In milliseconds.
    pub(super) wall_time: Option<f64>,
    /// Thousands of bytes that are really 1024 bytes each.
    pub(super) memory: Option<u64>,
}

/// The answer is not one of Piston's. Where it is not is all that is told of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not as Piston answers: see line {line}, column {column} of it")]
pub(super) struct Malformed {
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for Malformed {
    /// The error's own text shows pieces of the answer.
    fn from(error: serde_json::Error) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Executed, Malformed> {
    Ok(serde_json::from_slice(body)?)
}
