//! Handles submissions.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use coderun_app::SubmitError;
use coderun_domain::TraceContext;

use crate::authentication::Authenticated;
use crate::body::read_json;
use crate::problem::{ErrorLocation, Problem, refused_submission};
use crate::query::Query;
use crate::state::AppState;
use crate::wire::{NOT_OFFERED, SubmitAnswer, SubmitRequest};

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

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
