//! Handles what users do with their executions: cancel, list and delete them, issue tickets and look at quotas.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::{CancelReply, FailureKind, Page};

use super::{RecordNotes, parse_id, record};
use crate::authentication::Authenticated;
use crate::problem::Problem;
use crate::query::Query;
use crate::state::AppState;
use crate::wire::{ExecutionList, TicketAnswer, UsageAnswer, decode_cursor};

const LIST_LIMIT: usize = 20;
const LIST_LIMIT_MAX: usize = 100;
const LIST_LIMIT_EXPECTED: &str = "must be a whole number from 1 to 100, given once";
const CURSOR_EXPECTED: &str = "must be a `next_cursor` of an earlier list, given once";

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
            record(&state, StatusCode::OK, *execution, RecordNotes::default()).await
        }
        CancelReply::Requested(execution) => {
            record(
                &state,
                StatusCode::ACCEPTED,
                *execution,
                RecordNotes::default(),
            )
            .await
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

/// `GET /api/v1/usage`
pub(crate) async fn usage(
    caller: Authenticated,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let (user, executions) = (&caller.0.user, &state.ports.executions);
    let usage = executions.usage(user).await?;
    let sockets = state.sockets.usage(user);
    let answer = UsageAnswer::new(executions.store_policy(), &usage, sockets);
    Ok(HttpResponse::Ok().json(answer))
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
