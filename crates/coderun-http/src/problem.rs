//! Describes failed requests to clients as `application/problem+json` (RFC 9457).

mod admission;
mod entry;
mod failures;
mod response;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use coderun_domain::{BackendError, FailureKind};

use crate::exhausted_quota::ExhaustedQuota;

pub(crate) use entry::{ErrorLocation, ProblemEntry};
pub(crate) use failures::refused_submission;
pub(crate) use response::{ProblemDetails, build_response, rewrite_as_problem};

/// A failed request, as its client is told.
///
/// Handlers return it as their error. The edge turns it into the response, because only the edge knows the path and the request
/// id.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// The failure behind it, or `None` if only this request is at fault.
    failure: Option<FailureKind>,
    detail: Cow<'static, str>,
    reason: Option<&'static str>,
    errors: Vec<ProblemEntry>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The quota that a 429 is about.
    quota: Option<Box<ExhaustedQuota>>,
    source: Option<BackendError>,
}

impl Problem {
    /// A problem of this status with one readable sentence.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            failure: None,
            detail: detail.into(),
            reason: None,
            errors: Vec::new(),
            headers: Vec::new(),
            quota: None,
            source: None,
        }
    }

    /// A problem of this status that says no more than the status itself.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self {
            failure: status.is_server_error().then_some(FailureKind::Bug),
            ..Self::new(status, status.canonical_reason().unwrap_or("Error"))
        }
    }

    /// 429, because this quota is used up. No other function makes a 429, so that each names its quota in `RateLimit` and
    /// `RateLimit-Policy`, and has a `Retry-After`.
    pub(crate) fn exhausted(
        quota: ExhaustedQuota,
        retry_after: Duration,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let problem = Self {
            failure: Some(FailureKind::RateLimited),
            quota: Some(Box::new(quota)),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
        };
        problem.with_retry_after(retry_after)
    }

    /// The quota that a 429 is about.
    pub(crate) fn quota(&self) -> Option<ExhaustedQuota> {
        self.quota.as_deref().copied()
    }

    /// A defect of ours.
    pub(crate) fn bug() -> Self {
        Self::of_kind(FailureKind::Bug)
    }

    /// A request with these errors. The detail joins them to one sentence.
    pub(crate) fn of_entries(kind: FailureKind, errors: Vec<ProblemEntry>) -> Self {
        let detail = joined(&errors);
        Self {
            errors,
            ..Self::failed(kind, detail)
        }
    }

    /// The same problem of a part of the body: its errors name fields below this path.
    pub(crate) fn below(mut self, path: &str) -> Self {
        if !self.errors.is_empty() {
            self.errors = self.errors.into_iter().map(|it| it.below(path)).collect();
            self.detail = joined(&self.errors).into();
        }
        self
    }

    /// A request with one invalid part.
    pub(crate) fn invalid(location: ErrorLocation, detail: &'static str) -> Self {
        let entry = ProblemEntry::new(location, detail);
        Self::of_entries(FailureKind::Invalid, vec![entry])
    }

    /// Adds a word for programs, such as `expired`.
    pub(crate) fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds how to authenticate, in `WWW-Authenticate`.
    pub(crate) fn with_challenge(self, challenge: &'static str) -> Self {
        let value = HeaderValue::from_static(challenge);
        self.with_header(header::WWW_AUTHENTICATE, value)
    }

    /// Adds when to try again, in whole seconds and at least one.
    pub(crate) fn with_retry_after(self, after: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, whole_seconds(after).into())
    }

    /// Adds the cause, which is only logged.
    pub(crate) fn with_source(mut self, source: impl Into<BackendError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// One sentence of all errors.
fn joined(errors: &[ProblemEntry]) -> String {
    let sentences: Vec<String> = errors.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}

/// The seconds of a duration, rounded up, at least one.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    let rounded_up = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    rounded_up.max(1)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Sets only the status; [`render`] writes the rest.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

#[cfg(test)]
mod tests;
