//! Handles the routes: each handler parses a request, calls a use case and builds the response.

pub(crate) mod executions;
pub(crate) mod service;
pub(crate) mod status;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use coderun_domain::{Execution, ExecutionId, FailureKind};

use crate::answer_budget::{BudgetExhausted, budgeted_body};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::{Audience, ExecutionRecord};

/// Answers the record of an execution. It may be large, so it waits until the budget for large answers allows it.
async fn record(
    state: &AppState,
    status: StatusCode,
    execution: &Execution,
    queue_position: Option<u64>,
) -> Result<HttpResponse, Problem> {
    let policy = state.ports.executions.store_policy();
    let mut record = ExecutionRecord::new(execution, policy, Audience::Reader);
    record.queue_position = queue_position;
    let mut bytes = Vec::with_capacity(record.size_hint());
    serde_json::to_writer(&mut bytes, &record)
        .map_err(|error| Problem::bug().with_source(error))?;
    let timeout = state.config.sockets.send;
    let permit = state.answer_budget.acquire(bytes.len(), timeout).await;
    let permit = permit.map_err(|BudgetExhausted| Problem::of_kind(FailureKind::Overloaded))?;
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    Ok(response.body(budgeted_body(bytes, permit)))
}

/// Parses an id. A malformed id is answered like an unknown one.
pub(crate) fn parse_id(text: &str) -> Result<ExecutionId, Problem> {
    text.parse()
        .map_err(|_| Problem::of_kind(FailureKind::Absent))
}
