//! Handles the routes: each handler parses a request, calls a use case and builds the response.

pub(crate) mod batch;
pub(crate) mod development_token;
pub(crate) mod executions;
pub(crate) mod page;
pub(crate) mod service;
pub(crate) mod status;
pub(crate) mod submit;
mod submit_call;

use std::io;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use coderun_domain::{Execution, ExecutionId, FailureKind, StorePolicy};

use crate::large_answers::{PiecewiseBody, SMALL_MAX_BYTES};
use crate::metrics::SocketKind;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::{Audience, ExecutionRecord, json_bytes_max, text_bytes};

/// What a record says beside the execution.
#[derive(Debug, Default)]
struct RecordNotes {
    queue_position: Option<u64>,
    /// About fields of the submission that were ignored.
    warnings: Vec<String>,
}

impl RecordNotes {
    const fn of_warnings(warnings: Vec<String>) -> Self {
        Self {
            queue_position: None,
            warnings,
        }
    }
}

/// Answers the record of an execution.
async fn record(
    state: &AppState,
    status: StatusCode,
    execution: Execution,
    notes: RecordNotes,
) -> Result<HttpResponse, Problem> {
    let warnings_bytes: usize = notes.warnings.iter().map(String::len).sum();
    let text_bytes = text_bytes(&execution, Audience::Reader) + warnings_bytes;
    if text_bytes <= SMALL_MAX_BYTES {
        let policy = state.ports.executions.store_policy();
        let bytes = encode(&execution, notes, policy);
        return Ok(json(status).body(bytes.map_err(|error| Problem::bug().with_source(error))?));
    }
    // Boxed, because most records are small.
    Box::pin(large_record(state, status, execution, notes, text_bytes)).await
}

/// Answers a large record once the budget for large answers allows it.
async fn large_record(
    state: &AppState,
    status: StatusCode,
    execution: Execution,
    notes: RecordNotes,
    text_bytes: usize,
) -> Result<HttpResponse, Problem> {
    let id = execution.id();
    let is_shared = execution.status().is_final() && notes.warnings.is_empty();
    let created_at = execution.progress().created_at();
    let submission = Arc::clone(execution.submission());
    let executions = Arc::clone(&state.ports.executions);
    let encode = move || encode(&execution, notes, executions.store_policy());
    let (answers, user) = (&state.large_answers, submission.user());
    let permit = state.sockets.admit_watcher(user, SocketKind::LargeAnswer)?;
    let bound_bytes = json_bytes_max(text_bytes);
    let made = if is_shared {
        let answer = (id, created_at, Audience::Reader);
        answers.make_once(answer, user, bound_bytes, encode).await
    } else {
        answers.make(user, bound_bytes, encode).await
    };
    Ok(json(status).body(PiecewiseBody::new(made?, permit)))
}

fn json(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    response
}

fn encode(execution: &Execution, notes: RecordNotes, policy: &StorePolicy) -> io::Result<Vec<u8>> {
    let mut record = ExecutionRecord::new(execution, policy, Audience::Reader);
    record.queue_position = notes.queue_position;
    record.warnings = notes.warnings;
    let mut bytes = Vec::with_capacity(record.size_hint());
    serde_json::to_writer(&mut bytes, &record)?;
    Ok(bytes)
}

/// Parses an id. A malformed id is answered like an unknown one.
pub(crate) fn parse_id(text: &str) -> Result<ExecutionId, Problem> {
    text.parse()
        .map_err(|_| Problem::of_kind(FailureKind::Absent))
}
