//! Describes errors of a JSON body in plain words, without repeating what was sent.

use actix_web::http::StatusCode;
use coderun_domain::FailureKind;
use serde_json::error::Category;
use serde_path_to_error::{Error, Path};

use crate::problem::{Problem, ProblemEntry};

/// 400 for malformed JSON, 422 with the field for JSON of another shape.
pub(super) fn problem(error: &Error<serde_json::Error>) -> Problem {
    match error.inner().classify() {
        Category::Data => mistyped(error.path(), error.inner()),
        Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
    }
}

/// 400 with the position of the error.
pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::new(
        StatusCode::BAD_REQUEST,
        format!("The request body is not valid JSON at line {line} column {column}"),
    )
}

fn mistyped(path: &Path, error: &serde_json::Error) -> Problem {
    let path = match path.to_string() {
        // How the library writes the path of the whole body, and of a field that it could not name.
        whole if whole == "." || whole == "?" => String::new(),
        path => path,
    };
    let entry = ProblemEntry::of_field(path, detail(&error.to_string()));
    Problem::of_entries(FailureKind::Invalid, vec![entry])
}

/// Keeps the expectation of a message such as ``invalid type: string "abc", expected u64 at line 1 column 9``, and drops the
/// rest, which repeats what was sent.
fn detail(message: &str) -> String {
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, tail)| tail.rsplit_once(" at line ").map_or(tail, |(head, _)| head));
    match expected {
        Some("u64") => "must be a whole number of at least 0".to_owned(),
        Some("a sequence") => "must be a list".to_owned(),
        Some("a boolean") => "must be true or false".to_owned(),
        Some(expected) => format!("must be {expected}"),
        None if message.starts_with("duplicate field") => "must not repeat a field".to_owned(),
        None => "is not valid".to_owned(),
    }
}
