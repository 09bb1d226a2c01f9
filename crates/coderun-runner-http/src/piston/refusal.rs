//! What it means that Piston did not answer with a result.

use bytes::Bytes;
use reqwest::StatusCode;
use serde::Deserialize;

use super::limits::LimitField;

/// Why Piston did not run a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has too much to do.
    Busy,
    /// It does not have the runtime any more.
    UnknownRuntime,
    /// A limit is above what it is configured with.
    LimitTooHigh {
        /// Which one.
        field: LimitField,
        /// Its own.
        max: u64,
    },
    /// The request is larger than it takes.
    TooLarge,
    /// It does not take the submission, for one of the reasons that it is known to give.
    Invalid(Known),
    /// It does not take the submission, and nobody knows why.
    Unknown,
    /// It does not work for us, and an operator must see to that.
    Unusable(&'static str),
    /// It failed.
    Failed(StatusCode),
}

/// The reasons that Piston is known to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A file has no text.
    FileContent,
    /// There is no text among the files.
    NoText,
    /// A limit is negative.
    NegativeLimit,
}

impl Known {
    /// The reason as a sentence, in our words: theirs may hold anything.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::FileContent => "The runner wants each file to have a text for its content",
            Self::NoText => "The runner wants at least one file that is a text",
            Self::NegativeLimit => "The runner wants no limit to be negative",
        }
    }
}

/// What Piston says with an error.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    /// From its JSON parser, the stack of its own program; only the first word is looked at.
    #[serde(default)]
    stack: String,
}

/// Reads an answer that is not 200.
pub(super) fn read(status: StatusCode, body: &Bytes) -> Refusal {
    match status.as_u16() {
        400 => bad_request(body),
        401 | 403 => Refusal::Unusable("the API refused our key"),
        404 | 405 => Refusal::Unusable("there is no Piston at this address"),
        413 => Refusal::TooLarge,
        415 => Refusal::Unusable(
            "the API does not take JSON, as if there were no Piston at this address",
        ),
        429 | 503 => Refusal::Busy,
        300..=399 => Refusal::Unusable("the API redirects: its final address must be set"),
        100..=299 => Refusal::Unusable("the API answers as no Piston does"),
        402..=499 => Refusal::Unusable("the API refuses all programs"),
        _ => Refusal::Failed(status),
    }
}

fn bad_request(body: &Bytes) -> Refusal {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    if said.stack.starts_with("PayloadTooLargeError") {
        return Refusal::TooLarge;
    }
    let message = said.message.as_str();
    if let Some((field, max)) = limit_exceeded(message) {
        return Refusal::LimitTooHigh { field, max };
    }
    if message.ends_with(" runtime is unknown") {
        return Refusal::UnknownRuntime;
    }
    known(message).map_or(Refusal::Unknown, Refusal::Invalid)
}

/// Reads `run_timeout cannot exceed the configured limit of 3000`.
fn limit_exceeded(message: &str) -> Option<(LimitField, u64)> {
    let (field, max) = message.split_once(" cannot exceed the configured limit of ")?;
    let max = max.parse().ok().filter(|max| *max > 0)?;
    Some((LimitField::from_word(field)?, max))
}

fn known(message: &str) -> Option<Known> {
    let is_file = message.strip_prefix("files[").is_some_and(|rest| {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        rest == "].content is required as a string"
    });
    if is_file {
        return Some(Known::FileContent);
    }
    if message == "files must include at least one utf8 encoded file" {
        return Some(Known::NoText);
    }
    let field = message.strip_suffix(" must be non-negative")?;
    LimitField::from_word(field).map(|_| Known::NegativeLimit)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"message":"run_timeout cannot exceed the configured limit of 3000"}"#, Refusal::LimitTooHigh { field: LimitField::RunTimeout, max: 3000 })]
    #[case(
        r#"{"message":"run_timeout cannot exceed the configured limit of 0"}"#,
        Refusal::Unknown
    )]
    #[case(
        r#"{"message":"x cannot exceed the configured limit of 3000"}"#,
        Refusal::Unknown
    )]
    #[case(
        r#"{"message":"perl-9.9 runtime is unknown"}"#,
        Refusal::UnknownRuntime
    )]
    #[case(
        r#"{"message":"files[2].content is required as a string"}"#,
        Refusal::Invalid(Known::FileContent)
    )]
    #[case(
        r#"{"message":"files must include at least one utf8 encoded file"}"#,
        Refusal::Invalid(Known::NoText)
    )]
    #[case(
        r#"{"message":"run_cpu_time must be non-negative"}"#,
        Refusal::Invalid(Known::NegativeLimit)
    )]
    #[case(
        r#"{"stack":"PayloadTooLargeError: request entity too large\n at /piston/x.js"}"#,
        Refusal::TooLarge
    )]
    #[case(r#"{"stack":"SyntaxError: Unexpected token"}"#, Refusal::Unknown)]
    #[case(r#"{"message":"<script>"}"#, Refusal::Unknown)]
    #[case(r#"{"message":7}"#, Refusal::Unknown)]
    #[case("{}", Refusal::Unknown)]
    #[case("", Refusal::Unknown)]
    fn what_a_400_says_is_known_or_not(#[case] body: &'static str, #[case] expected: Refusal) {
        let body = Bytes::from_static(body.as_bytes());
        assert_eq!(read(StatusCode::BAD_REQUEST, &body), expected);
    }

    #[rstest]
    #[case(429, true)]
    #[case(503, true)]
    #[case(500, false)]
    #[case(502, false)]
    #[case(401, false)]
    #[case(302, false)]
    #[case(204, false)]
    #[case(418, false)]
    fn only_these_are_worth_asking_again(#[case] status: u16, #[case] is_busy: bool) {
        let refusal = read(StatusCode::from_u16(status).unwrap(), &Bytes::new());
        assert_eq!(refusal == Refusal::Busy, is_busy);
    }
}
