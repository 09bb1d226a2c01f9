//! From a request body to a job, with Piston's checks in Piston's order.

mod bounds;
mod files;

use serde_json::Value;

pub(crate) use bounds::{StageBounds, StagesBounds};
pub(crate) use files::{Encoding, JobFile, PlacedFile, place};

use crate::PistonLimits;
use crate::runtime::{self, Runtime};

/// A program as it was asked for.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) runtime: Runtime,
    pub(crate) files: Vec<JobFile>,
    /// `None` if they are something that no process can be started with.
    pub(crate) args: Option<Vec<String>>,
    pub(crate) stdin: String,
    pub(crate) bounds: StagesBounds,
}

/// Why a body is no job: the answer is 400.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// For the reason in this text.
    Message(String),
    /// Piston met an exception of JavaScript, of which nothing is left as JSON: the answer is an empty object.
    Exception,
}

impl Refusal {
    fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

/// Reads a job.
pub(crate) fn parse(
    body: &Value,
    runtimes: &[Runtime],
    limits: &PistonLimits,
) -> Result<Job, Refusal> {
    let language = required_text(body, "language")?;
    let version = required_text(body, "version")?;
    let files = body.get("files").and_then(Value::as_array);
    let files = files.ok_or_else(|| Refusal::message("files is required as an array"))?;
    files::check_contents(files)?;
    let runtime = runtime::find(runtimes, language, version)
        .ok_or_else(|| Refusal::Message(format!("{language}-{version} runtime is unknown")))?;
    files::check_encodings(files)?;
    let bounds = bounds::read(body, limits)?;
    let stdin = stdin(body.get("stdin").unwrap_or(&Value::Null))?;
    Ok(Job {
        runtime: runtime.clone(),
        files: files::read(files),
        args: args(body.get("args").unwrap_or(&Value::Null)),
        stdin,
        bounds,
    })
}

fn required_text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let text = body.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::Message(format!("{name} is required as a string")))
}

/// What the program gets to read: a newline is added if it is not the last character.
fn stdin(value: &Value) -> Result<String, Refusal> {
    let mut stdin = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // Piston takes a list for a text; what that means is nobody's wish.
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err(Refusal::Exception);
        }
    };
    if !stdin.ends_with('\n') {
        stdin.push('\n');
    }
    Ok(stdin)
}

/// The arguments, each as JavaScript prints it; a text is a list of its characters.
fn args(value: &Value) -> Option<Vec<String>> {
    let args: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.chars().map(String::from).collect(),
        Value::Array(args) => args.iter().map(printed).collect(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    (!args.iter().any(|arg| arg.contains('\0'))).then_some(args)
}

fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// Whether JavaScript takes a value for false.
fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests;
