//! Reads why Piston refused a program.

use hyper::StatusCode;
use serde::Deserialize;

use crate::api::RunResult;
use crate::client::Answer;
use crate::error::ApiError;

const TOO_LARGE: &str = "The program with its files and input is larger than the runner takes";

/// The body of an error answer.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    message: String,
    /// A stack trace of Piston's JSON parser; only the first word is used.
    #[serde(default)]
    stack: String,
}

/// Reads an answer that is not 200. The texts are ours: Piston's may contain anything.
pub(super) fn read(answer: &Answer) -> Result<RunResult, ApiError> {
    match answer.status {
        StatusCode::BAD_REQUEST => bad_request(&answer.body),
        StatusCode::PAYLOAD_TOO_LARGE => Ok(RunResult::rejected(TOO_LARGE)),
        _ => Err(answer.error()),
    }
}

fn bad_request(body: &[u8]) -> Result<RunResult, ApiError> {
    let ErrorBody { message, stack } = serde_json::from_slice(body).unwrap_or_default();
    if message.ends_with(" runtime is unknown") {
        return Err(ApiError::UnknownRuntime);
    }
    if let Some((setting, max)) = exceeded_limit(&message) {
        tracing::warn!(
            setting,
            max,
            "a limit of the Piston server is lower than configured"
        );
        return Ok(RunResult::rejected(format!(
            "The runner takes a {setting} of at most {max}, which is lower than configured here"
        )));
    }
    let hint = if stack.starts_with("PayloadTooLargeError") {
        TOO_LARGE
    } else if message.ends_with("].content is required as a string") {
        "The runner wants each file to have a text for its content"
    } else if message == "files must include at least one utf8 encoded file" {
        "The runner wants at least one file that is a text"
    } else {
        "The runner does not take the program"
    };
    Ok(RunResult::rejected(hint))
}

/// Reads `run_timeout cannot exceed the configured limit of 3000`.
fn exceeded_limit(message: &str) -> Option<(&'static str, u64)> {
    const LIMITS: [&str; 6] = [
        "compile_memory_limit",
        "run_memory_limit",
        "compile_timeout",
        "run_timeout",
        "compile_cpu_time",
        "run_cpu_time",
    ];
    let (name, max) = message.split_once(" cannot exceed the configured limit of ")?;
    let name = LIMITS.into_iter().find(|limit| *limit == name)?;
    Some((name, max.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;

    const UNKNOWN: &str = "The runner does not take the program";

    fn read_body(status: u16, body: &'static str) -> Result<RunResult, ApiError> {
        read(&Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: None,
            body: Bytes::from_static(body.as_bytes()),
        })
    }

    #[rstest]
    #[case(
        r#"{"message":"run_timeout cannot exceed the configured limit of 3000"}"#,
        "The runner takes a run_timeout of at most 3000, which is lower than configured here"
    )]
    #[case(
        r#"{"message":"x cannot exceed the configured limit of 3000"}"#,
        UNKNOWN
    )]
    #[case(
        r#"{"message":"files[2].content is required as a string"}"#,
        "The runner wants each file to have a text for its content"
    )]
    #[case(
        r#"{"message":"files must include at least one utf8 encoded file"}"#,
        "The runner wants at least one file that is a text"
    )]
    #[case(
        r#"{"stack":"PayloadTooLargeError: request entity too large\n at /piston/x.js"}"#,
        TOO_LARGE
    )]
    #[case(r#"{"stack":"SyntaxError: Unexpected token"}"#, UNKNOWN)]
    #[case(r#"{"message":"<script>"}"#, UNKNOWN)]
    #[case(r#"{"message":7}"#, UNKNOWN)]
    #[case("{}", UNKNOWN)]
    #[case("", UNKNOWN)]
    fn a_400_is_a_rejection_in_our_own_words(#[case] body: &'static str, #[case] expected: &str) {
        let result = read_body(400, body);
        assert_eq!(result, Ok(RunResult::rejected(expected)));
    }

    #[test]
    fn a_413_is_a_rejection_and_an_unknown_runtime_is_an_error() {
        assert_eq!(read_body(413, ""), Ok(RunResult::rejected(TOO_LARGE)));
        let unknown = r#"{"message":"perl-9.9 runtime is unknown"}"#;
        assert_eq!(read_body(400, unknown), Err(ApiError::UnknownRuntime));
    }
}
