//! `/api/v1/executions`: submit, cancel, list.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use coderun_app::SubmitError;
use coderun_domain::{CancelReply, Cursor, Execution, FailureKind, Page, TraceContext};

use super::{bulky_json, json, parse_id};
use crate::authentication::Authenticated;
use crate::body::read_json;
use crate::problem::{Problem, refused_submission};
use crate::query::Query;
use crate::state::AppState;
use crate::wire::{
    Audience, ExecutionList, ExecutionRecord, SubmitAnswer, SubmitRequest, decode_cursor,
};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const NOT_OFFERED: &str = "is not offered by this deployment yet";
const LIST_LIMIT: usize = 20;
const LIST_LIMIT_MAX: usize = 100;

/// `POST /api/v1/executions/execute`
pub(crate) async fn submit(
    caller: Authenticated,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    refuse_missing_options(&Query::parse(request.query_string()), &["dry_run"])?;
    if request.headers().contains_key(IDEMPOTENCY_KEY) {
        return Err(Problem::bad_header(IDEMPOTENCY_KEY, NOT_OFFERED));
    }
    let body: SubmitRequest = read_json(request.headers(), payload, &state.config).await?;
    refuse_while_draining(&state)?;
    let executions = &state.ports.executions;
    let trace = request.extensions().get::<TraceContext>().copied();
    let (draft, found) = body.into_draft(trace);
    let user = caller.0.user;
    if !found.is_empty() {
        // It is wrong whatever else there is to say, so it is no matter if nobody can tell what there is.
        let more = match executions.validate(user, draft) {
            Err(SubmitError::Invalid(more)) => Some(more),
            Ok(_) | Err(SubmitError::NoWorkerYet(_) | SubmitError::Store(_)) => None,
        };
        return Err(refused_submission(found, more.as_ref()));
    }
    let execution = executions.submit(user, draft).await?;
    let mut response = json(StatusCode::OK, &SubmitAnswer::from(&execution), 256)?;
    let location = format!("/api/v1/executions/status/{}", execution.id());
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Refuses parameters that mean something in the contract and nothing here: ignored, they would mislead.
fn refuse_missing_options(query: &Query, names: &[&'static str]) -> Result<(), Problem> {
    match names.iter().find(|name| query.contains(name)) {
        Some(name) => Err(Problem::bad_parameter(name, NOT_OFFERED)),
        None => Ok(()),
    }
}

/// What is accepted now might be lost with this process, or wait for another one.
fn refuse_while_draining(state: &AppState) -> Result<(), Problem> {
    if state.departure.has_begun() || state.ports.readiness.is_draining() {
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
            record(StatusCode::OK, &execution, &state).await
        }
        CancelReply::Requested(execution) => record(StatusCode::ACCEPTED, &execution, &state).await,
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
    let limit = parse_limit(&query)?;
    let page = Page {
        before: parse_cursor(&query)?,
        limit: limit + 1,
    };
    let found = state.ports.executions.list(&caller.0.user, page).await?;
    let list = ExecutionList::new(&found, limit);
    json(StatusCode::OK, &list, 64 + 320 * found.len())
}

fn parse_limit(query: &Query) -> Result<usize, Problem> {
    let bad = || Problem::bad_parameter("limit", format!("must be from 1 to {LIST_LIMIT_MAX}"));
    match query.get("limit").map_err(|_| bad())? {
        None => Ok(LIST_LIMIT),
        Some(text) => match text.parse() {
            Ok(limit @ 1..=LIST_LIMIT_MAX) => Ok(limit),
            Ok(_) | Err(_) => Err(bad()),
        },
    }
}

fn parse_cursor(query: &Query) -> Result<Option<Cursor>, Problem> {
    let bad =
        || Problem::bad_parameter("cursor", "must be a `next_cursor` that was handed out here");
    let text = query.get("cursor").map_err(|_| bad())?;
    text.map(|text| decode_cursor(text).ok_or_else(bad))
        .transpose()
}

async fn record(
    status: StatusCode,
    execution: &Execution,
    state: &AppState,
) -> Result<HttpResponse, Problem> {
    let policy = state.ports.executions.store_policy();
    let record = ExecutionRecord::new(execution, policy, Audience::Reader);
    bulky_json(state, status, &record, record.size_hint()).await
}
