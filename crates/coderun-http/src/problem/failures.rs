//! Maps the failures of the core to problems: the only place where a kind of failure becomes a status.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use coderun_app::{AccessError, NoWorkerYet, SubmitError};
use coderun_domain::{FailureKind, FieldError, Quota, StoreError, SubmissionError, VerifyError};

use super::{ErrorLocation, Problem, ProblemEntry};
use crate::exhausted_quota::ExhaustedQuota;
use crate::headers::IDEMPOTENCY_KEY;

/// When to try again if the failure does not say it.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The status of a kind, and the sentence for a failure that says nothing more about itself. That is no 429, because a 429 says
/// which quota is used up: [`Problem::exhausted`].
const fn description(kind: FailureKind) -> (StatusCode, &'static str) {
    match kind {
        FailureKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "The request is not valid"),
        FailureKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        FailureKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Not authenticated"),
        FailureKind::Forbidden => (StatusCode::FORBIDDEN, "Access denied"),
        FailureKind::Absent => (StatusCode::NOT_FOUND, "Execution not found"),
        FailureKind::RateLimited | FailureKind::Overloaded => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is overloaded, try again later",
        ),
        FailureKind::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is temporarily unavailable, try again later",
        ),
        FailureKind::Bug => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    }
}

impl Problem {
    /// A failure of this kind.
    pub(super) fn failed(kind: FailureKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            failure: Some(kind),
            ..Self::new(description(kind).0, detail)
        }
    }

    /// A failure of this kind that says nothing more about itself.
    pub(crate) fn of_kind(kind: FailureKind) -> Self {
        let problem = Self::failed(kind, description(kind).1);
        if problem.status == StatusCode::SERVICE_UNAVAILABLE {
            return problem.with_retry_after(RETRY_AFTER);
        }
        problem
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        let problem = match &error {
            StoreError::Full { retry_after } => Self::failed(
                kind,
                "The service has no room for this execution now, try again later",
            )
            .with_retry_after(*retry_after),
            StoreError::QuotaExceeded {
                quota,
                limit,
                retry_after,
            } => quota_exceeded(*quota, *limit, *retry_after),
            StoreError::Unavailable { .. } | StoreError::Corrupt { .. } => Self::of_kind(kind),
        };
        problem.with_source(error)
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::Absent | AccessError::Forbidden => {
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
            SubmitError::KeyReused => Self::invalid(
                ErrorLocation::Header(IDEMPOTENCY_KEY),
                "names another submission, with other contents",
            ),
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
        let detail = if matches!(error, VerifyError::Expired) {
            "Expired Firebase token"
        } else if kind == FailureKind::Unauthenticated {
            "Invalid Firebase token"
        } else {
            description(kind).1
        };
        let mut problem = Self::failed(kind, detail);
        if let VerifyError::KeysUnavailable { retry_after, .. }
        | VerifyError::UsersUnavailable { retry_after, .. } = &error
        {
            problem = problem.with_retry_after(*retry_after);
        }
        if kind == FailureKind::Unauthenticated {
            problem = problem.with_challenge("Bearer error=\"invalid_token\"");
        }
        problem.with_reason(reason).with_source(error)
    }
}

/// All errors of a submission: those found while it was decoded, and those that the domain found in other fields.
pub(crate) fn refused_submission(
    mut found: Vec<ProblemEntry>,
    error: Option<&SubmissionError>,
) -> Problem {
    let mut kind = error.map_or(FailureKind::Invalid, SubmissionError::kind);
    if kind == FailureKind::Unavailable && !found.is_empty() {
        // Another attempt would meet what was found before.
        kind = FailureKind::Invalid;
    }
    let errors = error.map_or(&[][..], SubmissionError::errors);
    let decoded = found.len();
    for FieldError { field, problem } in errors {
        let is_new = |found: &[ProblemEntry]| !found.iter().any(|entry| entry.is_of_field(field));
        if found.get(..decoded).is_none_or(is_new) {
            found.push(ProblemEntry::of_field(field, problem.to_string()));
        }
    }
    let problem = Problem::of_entries(kind, found);
    if kind == FailureKind::Unavailable {
        return problem.with_retry_after(RETRY_AFTER);
    }
    problem
}

/// The 429 for a quota of the store.
fn quota_exceeded(quota: Quota, limit: u32, retry_after: Duration) -> Problem {
    let detail = match quota {
        Quota::Pending => Cow::Owned(format!(
            "At most {limit} of your executions may wait at a time"
        )),
        Quota::Share => Cow::Borrowed(
            "The service is busy and your executions take up your share of it, try again when one has ended",
        ),
        Quota::SubmitsPerMinute => {
            Cow::Owned(format!("At most {limit} submissions a minute are allowed"))
        }
    };
    let quota = ExhaustedQuota::of_store(quota, limit, retry_after);
    Problem::exhausted(quota, retry_after, detail)
}
