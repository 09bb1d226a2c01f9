//! What a client is told when something cannot be done: `application/problem+json` (RFC 9457).

mod admission;
mod answer;
mod failures;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use coderun_domain::{BackendError, FailureKind};
use serde::Serialize;

pub(crate) use answer::{render, to_response};
pub(crate) use failures::refused_submission;

/// Something that cannot be done, as its client is told.
///
/// Handlers return it as their error; the edge turns it into the answer, because only there path and request id are
/// at hand.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// The failure behind it; `None` where it is the answer to this one request and to nothing else.
    failure: Option<FailureKind>,
    detail: Cow<'static, str>,
    reason: Option<&'static str>,
    errors: Vec<ProblemEntry>,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<BackendError>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct ProblemEntry {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) detail: String,
}

/// Where in a request something is wrong.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// In the body: a JSON pointer (RFC 6901).
    Pointer(String),
    /// In the query: the name of a parameter.
    Parameter(&'static str),
    /// In the head: the name of a header.
    Header(&'static str),
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
            source: None,
        }
    }

    /// A problem that nobody described: the phrase of its status has to do.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self {
            failure: status.is_server_error().then_some(FailureKind::Bug),
            ..Self::new(status, status.canonical_reason().unwrap_or("Error"))
        }
    }

    /// A defect of ours.
    pub(crate) fn bug() -> Self {
        Self::of_kind(FailureKind::Bug)
    }

    /// Something in the query is wrong.
    pub(crate) fn bad_parameter(name: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} {detail}")).with_errors(vec![
            ProblemEntry {
                place: Place::Parameter(name),
                detail,
            },
        ])
    }

    /// A header that asks for something is not understood here.
    pub(crate) fn bad_header(name: &'static str, detail: &str) -> Self {
        let entry = ProblemEntry {
            place: Place::Header(name),
            detail: detail.to_owned(),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{name} {detail}"))
            .with_errors(vec![entry])
    }

    /// Adds a word for programs, such as `expired`.
    pub(crate) fn with_reason(self, reason: &'static str) -> Self {
        Self {
            reason: Some(reason),
            ..self
        }
    }

    /// Adds what exactly is wrong, place by place.
    pub(crate) fn with_errors(self, errors: Vec<ProblemEntry>) -> Self {
        Self { errors, ..self }
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds when to ask again, in whole seconds and never at once.
    pub(crate) fn with_retry_after(self, after: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, whole_seconds(after).into())
    }

    /// Adds the cause, for the log only.
    pub(crate) fn with_source(self, source: impl Into<BackendError>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }
}

/// So many seconds, rounded up, at least one.
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

    /// Only the status: [`render`] puts the rest in.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status)
    }
}

#[cfg(test)]
mod tests;
