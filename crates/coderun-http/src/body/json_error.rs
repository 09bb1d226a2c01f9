//! Describes errors of a JSON body in plain words, without repeating what was sent.

use actix_web::http::StatusCode;
use coderun_domain::FailureKind;
use serde_json::error::Category;

use crate::problem::{Problem, ProblemEntry};

/// 400 for malformed JSON, 422 for a field that is given twice.
pub(super) fn problem(error: &serde_json::Error) -> Problem {
    match error.classify() {
        // Fields of any type are taken, so a repeated one is the only mistake that the parser finds itself.
        Category::Data => {
            let message = error.to_string();
            let field = message.split('`').nth(1).unwrap_or_default();
            of_field(field, "must not be given twice")
        }
        Category::Syntax | Category::Eof | Category::Io => malformed(error),
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

/// 422 for JSON of another type.
pub(super) fn not_an_object() -> Problem {
    of_field("", "must be an object")
}

fn of_field(field: &str, detail: &'static str) -> Problem {
    Problem::of_entries(
        FailureKind::Invalid,
        vec![ProblemEntry::of_field(field, detail)],
    )
}
