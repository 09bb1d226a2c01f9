//! Handles `/api/v1/executions`: submit, cancel, list, delete and issue tickets.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use coderun_app::SubmitError;
use coderun_domain::{CancelReply, FailureKind, Page, TraceContext};

use super::{parse_id, record};
use crate::authentication::Authenticated;
use crate::body::read_json;
use crate::problem::{ErrorLocation, Problem, refused_submission};
use crate::query::Query;
use crate::state::AppState;
use crate::wire::{
    ExecutionList, NOT_OFFERED, SubmitAnswer, SubmitRequest, TicketAnswer, decode_cursor,
};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const LIST_LIMIT: usize = 20;
const LIST_LIMIT_MAX: usize = 100;
const LIST_LIMIT_EXPECTED: &str = "must be a whole number from 1 to 100, given once";
const CURSOR_EXPECTED: &str = "must be a `next_cursor` of an earlier list, given once";

/// `POST /api/v1/executions/execute`
pub(crate) async fn submit(
    caller: Authenticated,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    refuse_unsupported_options(&request)?;
    let (body, unknown) =
        read_json::<SubmitRequest>(request.headers(), payload, &state.config).await?;
    refuse_while_draining(&state)?;
    let executions = &state.ports.executions;
    let trace = request.extensions().get::<TraceContext>().copied();
    let (draft, found) = body.into_draft(trace);
    let user = caller.0.user;
    if !found.is_empty() {
        // The submission is invalid in any case, so an unreachable backend does not matter here.
        let more = match executions.validate(user, draft) {
            Err(SubmitError::Invalid(more)) => Some(more),
            Ok(_) | Err(SubmitError::NoWorkerYet(_) | SubmitError::Store(_)) => None,
        };
        return Err(refused_submission(found, more.as_ref()));
    }
    let execution = executions.submit(user, draft).await?;
    let location = format!("/api/v1/executions/status/{}", execution.id());
    Ok(HttpResponse::Ok()
        .insert_header((header::LOCATION, location))
        .json(SubmitAnswer::new(&execution, &unknown)))
}

/// Refuses options of the contract that this version does not have: ignored, they would mislead the client.
fn refuse_unsupported_options(request: &HttpRequest) -> Result<(), Problem> {
    let option = if Query::parse(request.query_string()).contains("dry_run") {
        ErrorLocation::Parameter("dry_run")
    } else if request.headers().contains_key(IDEMPOTENCY_KEY) {
        ErrorLocation::Header(IDEMPOTENCY_KEY)
    } else {
        return Ok(());
    };
    Err(Problem::invalid(option, NOT_OFFERED))
}

/// Refuses a submission that could be lost with this process, or would have to wait for another one.
fn refuse_while_draining(state: &AppState) -> Result<(), Problem> {
    if state.drain.has_begun() || state.ports.readiness.is_draining() {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is shutting down, try again",
        );
        return Err(problem.with_retry_after(Duration::from_secs(1)));
    }
    Ok(())
}

/// `POST /api/v1/executions/cancel/{id}`
pub(crate) async fn cancel(
    caller: Authenticated,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let user = &caller.0.user;
    let reply = state.ports.executions.cancel(user, parse_id(&id)?).await?;
    match reply {
        CancelReply::Ended(execution) | CancelReply::AlreadyFinal(execution) => {
            record(&state, StatusCode::OK, *execution, None).await
        }
        CancelReply::Requested(execution) => {
            record(&state, StatusCode::ACCEPTED, *execution, None).await
        }
        CancelReply::Absent => Err(Problem::of_kind(FailureKind::Absent)),
    }
}

/// `GET /api/v1/executions`
pub(crate) async fn list(
    caller: Authenticated,
    request: HttpRequest,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string());
    let limit = query.parsed("limit", LIST_LIMIT_EXPECTED, |text| {
        text.parse()
            .ok()
            .filter(|limit| (1..=LIST_LIMIT_MAX).contains(limit))
    })?;
    let limit = limit.unwrap_or(LIST_LIMIT);
    let page = Page {
        before: query.parsed("cursor", CURSOR_EXPECTED, decode_cursor)?,
        limit: limit + 1,
    };
    let found = state.ports.executions.list(&caller.0.user, page).await?;
    Ok(HttpResponse::Ok().json(ExecutionList::new(&found, limit)))
}

/// `DELETE /api/v1/executions/{id}`
pub(crate) async fn delete(
    caller: Authenticated,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let user = &caller.0.user;
    state.ports.executions.delete(user, parse_id(&id)?).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// `DELETE /api/v1/executions`
pub(crate) async fn delete_all(
    caller: Authenticated,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    state.ports.executions.delete_all(&caller.0.user).await?;
    Ok(HttpResponse::new(StatusCode::NO_CONTENT))
}

/// `POST /api/v1/executions/ticket/{id}`
pub(crate) async fn issue_ticket(
    caller: Authenticated,
    id: web::Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let executions = &state.ports.executions;
    let issued = executions.issue_ticket(&caller.0, parse_id(&id)?).await?;
    Ok(HttpResponse::Created().json(TicketAnswer::from(&issued)))
}
