//! Says what is wrong with a JSON body, in words for people and without repeating what was sent.

use actix_web::http::StatusCode;
use serde_json::error::Category;
use serde_path_to_error::{Error, Path, Segment};

use crate::problem::{Place, Problem, ProblemEntry};

/// 400 for what is no JSON, 422 with the place for JSON of another shape.
pub(super) fn problem(error: &Error<serde_json::Error>) -> Problem {
    match error.inner().classify() {
        Category::Data => mistyped(error.path(), error.inner()),
        Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
    }
}

/// 400 with the position, which is all that can be said of text that is no JSON.
pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::new(
        StatusCode::BAD_REQUEST,
        format!("The request body is not valid JSON at line {line} column {column}"),
    )
}

fn mistyped(path: &Path, error: &serde_json::Error) -> Problem {
    let detail = detail(&error.to_string());
    let pointer = pointer(path);
    let place = if pointer.is_empty() {
        "the body".to_owned()
    } else {
        path.to_string()
    };
    let entry = ProblemEntry {
        place: Place::Pointer(pointer),
        detail: detail.clone(),
    };
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        format!("{place} {detail}"),
    )
    .with_errors(vec![entry])
}

/// Keeps what was expected of a message such as ``invalid type: string "abc", expected u64 at line 1 column 9`` and
/// drops the rest, which repeats what was sent.
fn detail(message: &str) -> String {
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, tail)| tail.rsplit_once(" at line ").map_or(tail, |(head, _)| head));
    match expected {
        Some("u64") => "must be a whole number from 0 up".to_owned(),
        Some("a sequence") => "must be a list".to_owned(),
        Some("a boolean") => "must be true or false".to_owned(),
        Some(expected) => format!("must be {expected}"),
        None if message.starts_with("duplicate field") => "has a field twice".to_owned(),
        None => "is not valid".to_owned(),
    }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => {}
        }
    }
    if pointer == "/" {
        String::new()
    } else {
        pointer
    }
}
