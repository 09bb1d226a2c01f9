//! Renders a problem as a response and logs the failure behind it.

use std::error::Error;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::{Problem, ProblemEntry};
use crate::failure_log::log_failure;
use crate::rate_limit::{RATE_LIMIT, headers_of_refusal};

const MEDIA_TYPE: &str = "application/problem+json";

/// The body of RFC 9457.
#[derive(Serialize)]
pub(crate) struct ProblemDetails<'a> {
    #[serde(rename = "type")]
    type_uri: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ProblemEntry],
}

/// Replaces the body of a response with status 400 or above, and logs the failure behind it. Its own headers stay.
pub(crate) fn rewrite_as_problem(
    mut response: ServiceResponse,
    request_id: &str,
) -> ServiceResponse {
    let fallback = Problem::of_status(response.status());
    let attached = response
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>());
    let problem = attached.unwrap_or(&fallback);
    problem.log_cause(Some(request_id));
    let body = to_json(problem, response.request().path());
    let headers = headers_of(problem);
    add_headers(response.headers_mut(), headers);
    response.map_body(|_, _| BoxBody::new(body))
}

/// Builds the response to a request for which there is none yet, and logs the failure behind it.
pub(crate) fn build_response(problem: &Problem, instance: &str, request_id: &str) -> HttpResponse {
    problem.log_cause(Some(request_id));
    let body = BoxBody::new(to_json(problem, instance));
    let mut response = HttpResponse::with_body(problem.status_code(), body);
    add_headers(response.headers_mut(), headers_of(problem));
    response
}

/// The headers of a problem, which are those of its quota too unless its route says more of quotas.
fn headers_of(problem: &Problem) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = problem.headers.clone();
    let is_described = headers.iter().any(|(name, _)| *name == RATE_LIMIT);
    if let Some(quota) = problem.quota().filter(|_| !is_described) {
        headers.extend(headers_of_refusal(quota));
    }
    headers
}

fn add_headers(headers: &mut HeaderMap, of_problem: Vec<(HeaderName, HeaderValue)>) {
    for (name, value) in of_problem {
        headers.append(name, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
}

fn to_json(problem: &Problem, instance: &str) -> Vec<u8> {
    // Serializing strings and integers cannot fail, and an empty body is better than a panic.
    serde_json::to_vec(&problem.details(instance)).unwrap_or_default()
}

impl Problem {
    /// The body that describes it.
    pub(crate) fn details<'a>(&'a self, instance: &'a str) -> ProblemDetails<'a> {
        ProblemDetails {
            // RFC 9457: the status says all there is to say about the type.
            type_uri: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance,
            reason: self.reason,
            errors: &self.errors,
        }
    }

    /// Logs the failure behind it, if there is one.
    pub(crate) fn log_cause(&self, request_id: Option<&str>) {
        if let Some(failure) = self.failure {
            let source = self.source.as_deref();
            let source = source.map(|source| source as &(dyn Error + 'static));
            log_failure(failure, "a request", source, request_id);
        }
    }
}
