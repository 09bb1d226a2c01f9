//! Renders a problem as a response body and logs the failure behind it.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use super::{Problem, ProblemEntry};
use crate::failure_log::log_failure;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ProblemEntry],
}

/// Writes the body of a response with status 400 or above, and logs the failure behind it.
pub(crate) fn render(mut response: ServiceResponse, request_id: &str) -> ServiceResponse {
    let undescribed = Problem::of_status(response.status());
    let described = response
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>());
    let problem = described.unwrap_or(&undescribed);
    log(problem, request_id);
    let body = body(problem, response.request().path());
    let headers = problem.headers.clone();
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.map_body(|_, _| BoxBody::new(body))
}

/// The response to a request whose handler returned an error.
pub(crate) fn to_response(problem: &Problem, instance: &str, request_id: &str) -> HttpResponse {
    log(problem, request_id);
    HttpResponse::build(problem.status_code())
        .content_type(MEDIA_TYPE)
        .body(body(problem, instance))
}

const MEDIA_TYPE: &str = "application/problem+json";

fn body(problem: &Problem, instance: &str) -> Vec<u8> {
    let body = Body {
        kind: "about:blank",
        title: problem.status.canonical_reason().unwrap_or("Error"),
        status: problem.status.as_u16(),
        detail: &problem.detail,
        instance,
        reason: problem.reason,
        errors: &problem.errors,
    };
    // This cannot fail: all keys are text, and all values are of this crate.
    serde_json::to_vec(&body).unwrap_or_default()
}

fn log(problem: &Problem, request_id: &str) {
    if let Some(kind) = problem.failure {
        let source = problem.source.as_deref().map(|source| source as _);
        log_failure(kind, "a request", source, Some(request_id));
    }
}
