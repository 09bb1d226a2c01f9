//! Handles the routes: each handler parses a request, calls a use case and builds the response.

pub(crate) mod executions;
pub(crate) mod service;
pub(crate) mod status;
pub(crate) mod submit;

use std::io;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use coderun_domain::{Execution, ExecutionId, FailureKind, StorePolicy};

use crate::large_answers::{PiecewiseBody, SMALL_MAX_BYTES};
use crate::metrics::SocketKind;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::{Audience, ExecutionRecord, json_bytes_max, text_bytes};

/// Answers the record of an execution. A large one waits until the budget for large answers allows it.
async fn record(
    state: &AppState,
    status: StatusCode,
    execution: Execution,
    queue_position: Option<u64>,
) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    let text_bytes = text_bytes(&execution, Audience::Reader);
    if text_bytes <= SMALL_MAX_BYTES {
        let policy = state.ports.executions.store_policy();
        let bytes = encode(&execution, queue_position, policy);
        return Ok(response.body(bytes.map_err(|error| Problem::bug().with_source(error))?));
    }
    let (id, is_final) = (execution.id(), execution.status().is_final());
    let created_at = execution.progress().created_at();
    let submission = Arc::clone(execution.submission());
    let executions = Arc::clone(&state.ports.executions);
    let encode = move || encode(&execution, queue_position, executions.store_policy());
    let (answers, user) = (&state.large_answers, submission.user());
    let permit = state.sockets.admit_watcher(user, SocketKind::LargeAnswer)?;
    let bound_bytes = json_bytes_max(text_bytes);
    let made = if is_final {
        let answer = (id, created_at, Audience::Reader);
        answers.make_once(answer, user, bound_bytes, encode).await
    } else {
        answers.make(user, bound_bytes, encode).await
    };
    Ok(response.body(PiecewiseBody::new(made?, permit)))
}

fn encode(
    execution: &Execution,
    queue_position: Option<u64>,
    policy: &StorePolicy,
) -> io::Result<Vec<u8>> {
    let mut record = ExecutionRecord::new(execution, policy, Audience::Reader);
    record.queue_position = queue_position;
    let mut bytes = Vec::with_capacity(record.size_hint());
    serde_json::to_writer(&mut bytes, &record)?;
    Ok(bytes)
}

/// Parses an id. A malformed id is answered like an unknown one.
pub(crate) fn parse_id(text: &str) -> Result<ExecutionId, Problem> {
    text.parse()
        .map_err(|_| Problem::of_kind(FailureKind::Absent))
}
