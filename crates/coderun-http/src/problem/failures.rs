//! From the failures of the core to problems: the one place where a kind becomes a status.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use coderun_app::{AccessError, NoWorkerYet, SubmitError};
use coderun_domain::{
    FailureKind, Field, FieldError, Quota, StoreError, SubmissionError, VerifyError,
};

use super::{Place, Problem, ProblemEntry, whole_seconds};

/// When to ask again where nothing knows better.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The status that tells a client what a failure means.
const fn status(kind: FailureKind) -> StatusCode {
    match kind {
        FailureKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        FailureKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FailureKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        FailureKind::Forbidden => StatusCode::FORBIDDEN,
        FailureKind::Absent => StatusCode::NOT_FOUND,
        FailureKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        FailureKind::Overloaded | FailureKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        FailureKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The sentence for a failure that says nothing more about itself.
const fn detail(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Invalid => "The request is not valid",
        FailureKind::TooLarge => "The request is too large",
        FailureKind::Unauthenticated => "Not authenticated",
        FailureKind::Forbidden => "Access denied",
        FailureKind::Absent => "Execution not found",
        FailureKind::RateLimited => "Too many requests",
        FailureKind::Overloaded => "The service is overloaded, try again later",
        FailureKind::Unavailable => "The service is temporarily unavailable, try again later",
        FailureKind::Bug => "Internal server error",
    }
}

impl Problem {
    /// A failure of this kind.
    pub(super) fn failed(kind: FailureKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            failure: Some(kind),
            ..Self::new(status(kind), detail)
        }
    }

    /// A failure of this kind, without anything that only this failure knows.
    pub(crate) fn of_kind(kind: FailureKind) -> Self {
        let problem = Self::failed(kind, detail(kind));
        match kind {
            FailureKind::Overloaded | FailureKind::Unavailable => {
                problem.with_retry_after(RETRY_AFTER)
            }
            FailureKind::Invalid
            | FailureKind::TooLarge
            | FailureKind::Unauthenticated
            | FailureKind::Forbidden
            | FailureKind::Absent
            | FailureKind::RateLimited
            | FailureKind::Bug => problem,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        let problem = match &error {
            StoreError::Full { retry_after } => {
                Self::failed(kind, "Too many executions are waiting, try again later")
                    .with_retry_after(*retry_after)
            }
            StoreError::QuotaExceeded {
                quota,
                limit,
                retry_after,
            } => used_up(*quota, *limit, *retry_after),
            StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => Self::of_kind(kind),
        };
        problem.with_source(error)
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::Absent | AccessError::Forbidden | AccessError::Watch(_) => {
                Self::of_kind(error.kind()).with_source(error)
            }
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(error) => refused_submission(Vec::new(), Some(&error)),
            SubmitError::NoWorkerYet(error) => error.into(),
            SubmitError::Store(error) => error.into(),
        }
    }
}

impl From<NoWorkerYet> for Problem {
    fn from(error: NoWorkerYet) -> Self {
        let detail = "No worker has announced itself yet, try again later";
        Self::failed(error.kind(), detail)
            .with_retry_after(RETRY_AFTER)
            .with_source(error)
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Self {
        let (kind, reason) = (error.kind(), error.reason());
        let problem = match &error {
            VerifyError::Expired => Self::failed(kind, "Expired Firebase token"),
            VerifyError::KeysUnavailable { retry_after, .. }
            | VerifyError::UsersUnavailable { retry_after, .. } => {
                Self::failed(kind, detail(kind)).with_retry_after(*retry_after)
            }
            VerifyError::Forbidden | VerifyError::UserDisabled => Self::of_kind(kind),
            VerifyError::Malformed
            | VerifyError::Algorithm
            | VerifyError::NoKeyId
            | VerifyError::Audience
            | VerifyError::Issuer
            | VerifyError::Subject
            | VerifyError::NotYetValid
            | VerifyError::Tenant
            | VerifyError::UnknownKey
            | VerifyError::Signature
            | VerifyError::Revoked
            | VerifyError::UserNotFound => Self::failed(kind, "Invalid Firebase token"),
        };
        problem.with_reason(reason).with_source(error)
    }
}

/// Everything that is wrong with a submission: what was found before the domain was asked, and what the domain found.
pub(crate) fn refused_submission(
    mut found: Vec<ProblemEntry>,
    error: Option<&SubmissionError>,
) -> Problem {
    let kind = error.map_or(FailureKind::Invalid, SubmissionError::kind);
    let errors = error.map_or(&[][..], SubmissionError::errors);
    let mut sentences: Vec<String> = found.iter().map(sentence).collect();
    sentences.extend(errors.iter().map(ToString::to_string));
    found.extend(errors.iter().map(entry));
    Problem::failed(kind, sentences.join("; ")).with_errors(found)
}

fn sentence(entry: &ProblemEntry) -> String {
    let place = match &entry.place {
        Place::Pointer(pointer) => pointer.trim_start_matches('/').replace('/', "."),
        Place::Parameter(name) | Place::Header(name) => (*name).to_owned(),
    };
    format!("{place} {}", entry.detail)
}

fn entry(error: &FieldError) -> ProblemEntry {
    ProblemEntry {
        place: Place::Pointer(pointer(error.field)),
        detail: error.problem.to_string(),
    }
}

fn pointer(field: Field) -> String {
    match field {
        Field::Code => "/code".to_owned(),
        Field::Language => "/language".to_owned(),
        Field::Version => "/version".to_owned(),
        Field::InputData => "/input_data".to_owned(),
        Field::Args => "/args".to_owned(),
        Field::Arg(index) => format!("/args/{index}"),
        Field::Files => "/files".to_owned(),
        Field::FileName(index) => format!("/files/{index}/name"),
        Field::Limit(name) => format!("/limits/{}", name.as_str()),
        Field::ExpectedOutput => "/expected_output".to_owned(),
        Field::Interactive => "/interactive".to_owned(),
    }
}

/// 429, with the headers of draft-ietf-httpapi-ratelimit-headers.
fn used_up(quota: Quota, limit: u32, retry_after: Duration) -> Problem {
    let seconds = whole_seconds(retry_after);
    let (name, window, detail) = match quota {
        Quota::Pending => (
            "pending",
            "",
            format!("At most {limit} of your executions may wait at a time"),
        ),
        Quota::SubmitsPerMinute => (
            "submits",
            ";w=60",
            format!("At most {limit} submissions a minute are allowed"),
        ),
    };
    let headers = [
        ("ratelimit-policy", format!("\"{name}\";q={limit}{window}")),
        ("ratelimit", format!("\"{name}\";r=0;t={seconds}")),
    ];
    let problem = Problem::failed(FailureKind::RateLimited, detail);
    headers
        .into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
        .fold(problem, |problem, (name, value)| {
            problem.with_header(HeaderName::from_static(name), value)
        })
        .with_retry_after(retry_after)
}
