//! Describes errors of a JSON body in plain words, without repeating what was sent.

use actix_web::http::StatusCode;
use coderun_domain::FailureKind;

use crate::problem::{Problem, ProblemEntry};

/// 400 with the position of the error.
pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::new(
        StatusCode::BAD_REQUEST,
        format!("The request body is not valid JSON at line {line} column {column}"),
    )
}

/// 422 for JSON of another type.
pub(super) fn not_an_object() -> Problem {
    let entry = ProblemEntry::of_field("", "must be an object");
    Problem::of_entries(FailureKind::Invalid, vec![entry])
}
