//! Handles the routes: each handler parses a request, calls a use case and builds the response.

pub(crate) mod executions;
pub(crate) mod service;
pub(crate) mod status;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use coderun_domain::{ExecutionId, FailureKind};
use serde::Serialize;

use crate::answer_budget::{BudgetExhausted, BudgetedBody};
use crate::problem::Problem;
use crate::state::AppState;

/// A JSON response, serialized once into a buffer of about the right size.
fn json(
    status: StatusCode,
    body: &impl Serialize,
    size_hint: usize,
) -> Result<HttpResponse, Problem> {
    let bytes = serialized(body, size_hint)?;
    Ok(json_response(status, BoxBody::new(bytes)))
}

/// A JSON response that may be large, and waits until the budget for large responses allows it.
async fn large_json(
    state: &AppState,
    status: StatusCode,
    body: &impl Serialize,
    size_hint: usize,
) -> Result<HttpResponse, Problem> {
    let bytes = serialized(body, size_hint)?;
    let timeout = state.config.sockets.send;
    let permit = state.answer_budget.acquire(bytes.len(), timeout).await;
    let permit = permit.map_err(|BudgetExhausted| Problem::of_kind(FailureKind::Overloaded))?;
    let body = BoxBody::new(BudgetedBody::new(bytes, permit));
    Ok(json_response(status, body))
}

fn serialized(body: &impl Serialize, size_hint: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(size_hint);
    serde_json::to_writer(&mut bytes, body).map_err(|error| Problem::bug().with_source(error))?;
    Ok(bytes)
}

fn json_response(status: StatusCode, body: BoxBody) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, body);
    let media_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

/// Parses an id. A malformed id is answered like an unknown one.
pub(crate) fn parse_id(text: &str) -> Result<ExecutionId, Problem> {
    text.parse()
        .map_err(|_| Problem::of_kind(FailureKind::Absent))
}
