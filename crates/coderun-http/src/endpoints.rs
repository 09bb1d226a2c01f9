//! What each route does: takes a request apart, asks a use case, puts the answer together.

pub(crate) mod deleting;
pub(crate) mod executions;
pub(crate) mod service;
pub(crate) mod status;
pub(crate) mod tickets;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use coderun_domain::{ExecutionId, FailureKind};
use serde::Serialize;

use crate::bulk::{BulkBody, NoRoom};
use crate::problem::Problem;
use crate::state::AppState;

pub(crate) use status::parse_since;

/// An answer in JSON, serialized once into a buffer of about the right size.
fn json(
    status: StatusCode,
    body: &impl Serialize,
    size_hint: usize,
) -> Result<HttpResponse, Problem> {
    let bytes = serialized(body, size_hint)?;
    Ok(as_json(
        HttpResponse::with_body(status, bytes).map_into_boxed_body(),
    ))
}

/// An answer in JSON that may be large: it waits for room while many large ones are not taken.
async fn bulky_json(
    state: &AppState,
    status: StatusCode,
    body: &impl Serialize,
    size_hint: usize,
) -> Result<HttpResponse, Problem> {
    let bytes = serialized(body, size_hint)?;
    let room = state
        .bulk
        .take(bytes.len(), state.config.sockets.send)
        .await;
    let room = room.map_err(|NoRoom| Problem::of_kind(FailureKind::Overloaded))?;
    let body = BoxBody::new(BulkBody::new(bytes, room));
    Ok(as_json(HttpResponse::with_body(status, body)))
}

fn serialized(body: &impl Serialize, size_hint: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(size_hint);
    serde_json::to_writer(&mut bytes, body).map_err(|error| Problem::bug().with_source(error))?;
    Ok(bytes)
}

fn as_json(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// A malformed id cannot be found, like any other that is not there.
pub(crate) fn parse_id(text: &str) -> Result<ExecutionId, Problem> {
    text.parse()
        .map_err(|_| Problem::of_kind(FailureKind::Absent))
}
