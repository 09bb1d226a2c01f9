//! Handles submissions: one, several at once, and dry runs.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use coderun_app::SubmitError;
use coderun_domain::{
    Execution, ExecutionId, IdempotencyKey, SubmissionDraft, TraceContext, UserId,
};

use super::status::{WaitFor, wait_for};
use super::{RecordNotes, record};
use crate::authentication::Authenticated;
use crate::body::{UnknownFields, read_json};
use crate::failure_log::log_failure;
use crate::headers::{IDEMPOTENCY_KEY, Repeated, single};
use crate::metrics::SocketKind;
use crate::preferences::Preferences;
use crate::problem::{ErrorLocation, Problem, refused_submission};
use crate::query::Query;
use crate::state::AppState;
use crate::wire::{
    BatchAnswer, BatchEntry, BatchRequest, DryRunAnswer, FIELDS, SubmitAnswer, SubmitRequest,
};

const KEY_EXPECTED: &str = "must be 1 to 255 visible ASCII characters, given once";
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const DRY_RUN_EXPECTED: &str = "must be `true` or `false`, given once";

/// `POST /api/v1/executions/execute`
pub(crate) async fn submit(
    caller: Authenticated,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let options = SubmitOptions {
        key: idempotency_key(request.headers())?,
        preferences: Preferences::of(request.headers()),
    };
    let is_dry_run = is_dry_run(&request)?;
    let user = caller.0.user;
    // A repeated key is answered before any quota, and a dry run needs none.
    if !is_dry_run && options.key.is_none() {
        state.spent_rates.check(&user)?;
    }
    let (body, unknown) =
        read_json::<SubmitRequest>(request.headers(), payload, &state, &user).await?;
    let draft = draft_of(body, &user, &request, &state)?;
    if is_dry_run {
        let submission = state.ports.executions.validate(user, draft)?;
        let fleet = state.ports.executions.fleet_view()?;
        let answer = DryRunAnswer::new(&submission, &fleet, unknown.of_body());
        return Ok(HttpResponse::Ok().json(answer));
    }
    let checked = state.ports.executions.language_checked(&draft);
    // A server that ends refuses the submission below.
    let _ = state.drain.run_until_begun(checked).await;
    refuse_while_draining(&state)?;
    submit_and_wait(user, draft, options, &unknown, &state).await
}

/// What the head of a request says of its submission.
struct SubmitOptions {
    key: Option<IdempotencyKey>,
    preferences: Preferences,
}

/// `POST /api/v1/executions/batch`. Each entry is submitted by itself, in order, and under a key of its own if the request has one.
pub(crate) async fn submit_batch(
    caller: Authenticated,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(request.headers())?;
    let user = caller.0.user;
    if key.is_none() {
        state.spent_rates.check(&user)?;
    }
    let (body, unknown) =
        read_json::<BatchRequest>(request.headers(), payload, &state, &user).await?;
    let mut answers = Vec::new();
    for (index, submission) in (0..).zip(body.into_submissions()?) {
        let key = key.as_ref().map(|key| key.of_entry(index));
        let answer = match submission {
            Ok(submission) => submit_entry(&user, submission, key, &request, &state).await,
            Err(problem) => Err(problem),
        };
        answers.push(answer.map_err(|problem| problem.below(&format!("submissions[{index}]"))));
    }
    let mut executions = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        executions.push(match answer {
            Ok(execution) => {
                BatchEntry::Accepted(SubmitAnswer::new(execution, unknown.of_entry(index)))
            }
            Err(problem) => {
                problem.log_cause(None);
                BatchEntry::Refused(problem.details(request.path()))
            }
        });
    }
    Ok(HttpResponse::Ok().json(BatchAnswer { executions }))
}

async fn submit_entry(
    user: &UserId,
    body: SubmitRequest,
    key: Option<IdempotencyKey>,
    request: &HttpRequest,
    state: &AppState,
) -> Result<Execution, Problem> {
    let draft = draft_of(body, user, request, state)?;
    refuse_while_draining(state)?;
    store(user, draft, key.as_ref(), state).await
}

async fn store(
    user: &UserId,
    draft: SubmissionDraft,
    key: Option<&IdempotencyKey>,
    state: &AppState,
) -> Result<Execution, Problem> {
    let executions = &state.ports.executions;
    let submitted = executions.submit(user.clone(), draft, key).await;
    if let Err(SubmitError::Store(error)) = &submitted {
        state.spent_rates.remember(user, error);
    }
    Ok(submitted?)
}

/// The draft of a body.
///
/// # Errors
/// All mistakes of the body, if it has any of those that the domain does not see.
fn draft_of(
    body: SubmitRequest,
    user: &UserId,
    request: &HttpRequest,
    state: &AppState,
) -> Result<SubmissionDraft, Problem> {
    let trace = request.extensions().get::<TraceContext>().copied();
    let (draft, found) = body.into_draft(trace);
    if found.is_empty() {
        return Ok(draft);
    }
    // The submission is invalid in any case, so an unreachable backend does not matter here.
    let more = match state.ports.executions.validate(user.clone(), draft) {
        Err(SubmitError::Invalid(more)) => Some(more),
        Ok(_)
        | Err(SubmitError::NoWorkerYet(_) | SubmitError::KeyReused | SubmitError::Store(_)) => None,
    };
    Err(refused_submission(found, more.as_ref()))
}

/// Submits, and answers as the client prefers: at once, or once the execution is final.
async fn submit_and_wait(
    user: UserId,
    draft: SubmissionDraft,
    options: SubmitOptions,
    unknown: &UnknownFields,
    state: &web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let SubmitOptions { key, preferences } = options;
    // A request that waits counts as a socket. Without a free one the preference is not followed, as RFC 7240 allows.
    let wait = preferences.wait.filter(|wait| !wait.is_zero());
    let permit = wait.and_then(|_| {
        state
            .sockets
            .admit_watcher(&user, SocketKind::LongPoll)
            .ok()
    });
    let preferences = if wait.is_some() && permit.is_none() {
        preferences.without_wait()
    } else {
        preferences
    };
    let mut execution = store(&user, draft, key.as_ref(), state).await?;
    let id = execution.id();
    if let Some(timeout) = wait.filter(|_| permit.is_some()) {
        let mut leaving = preferences
            .cancel_on_disconnect
            .then(|| CancelOnDrop::new(state, &user, id));
        let waited = wait_for(state, execution, WaitFor::End, timeout).await;
        if let Some(leaving) = &mut leaving {
            leaving.is_armed = false;
        }
        execution = waited?;
    }
    drop(permit);
    let is_final = execution.status().is_final();
    let recorded = if is_final && preferences.wait.is_some() {
        // Whoever gets no large record now needs the id to ask for it later.
        let notes = RecordNotes::of_warnings(unknown.of_body().warnings(&FIELDS));
        let recording = record(state, StatusCode::OK, execution.clone(), notes);
        recording.await.ok()
    } else {
        None
    };
    let mut response = if let Some(recorded) = recorded {
        recorded
    } else {
        let status = if preferences.respond_async {
            StatusCode::ACCEPTED
        } else {
            StatusCode::OK
        };
        HttpResponse::build(status).json(SubmitAnswer::new(&execution, unknown.of_body()))
    };
    let location = HeaderValue::from_str(&format!("/api/v1/executions/status/{id}"));
    let applied = preferences.applied();
    let applied = applied.and_then(|applied| HeaderValue::from_str(&applied).ok());
    let headers = [
        (header::LOCATION, location.ok()),
        (PREFERENCE_APPLIED, applied),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Cancels an execution if the client leaves while it waits for the answer: its request is dropped then.
struct CancelOnDrop {
    state: web::Data<AppState>,
    user: UserId,
    id: ExecutionId,
    is_armed: bool,
}

impl CancelOnDrop {
    fn new(state: &web::Data<AppState>, user: &UserId, id: ExecutionId) -> Self {
        Self {
            state: state.clone(),
            user: user.clone(),
            id,
            is_armed: true,
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if !self.is_armed {
            return;
        }
        let executions = Arc::clone(&self.state.ports.executions);
        let (user, id) = (self.user.clone(), self.id);
        self.state.socket_tasks.spawn(async move {
            if let Err(error) = executions.cancel(&user, id).await {
                log_failure(
                    error.kind(),
                    "the cancellation for a client that left",
                    Some(&error),
                    None,
                );
            }
        });
    }
}

fn is_dry_run(request: &HttpRequest) -> Result<bool, Problem> {
    let query = Query::parse(request.query_string());
    let is_dry_run = query.parsed("dry_run", DRY_RUN_EXPECTED, |text| match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    })?;
    Ok(is_dry_run.unwrap_or_default())
}

/// The key with which the client names the submission, if it does.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let bad = || Problem::invalid(ErrorLocation::Header(IDEMPOTENCY_KEY), KEY_EXPECTED);
    let value = single(headers, IDEMPOTENCY_KEY).map_err(|Repeated| bad())?;
    let parse = |value: &HeaderValue| IdempotencyKey::parse(value.to_str().ok()?).ok();
    value.map(|value| parse(value).ok_or_else(bad)).transpose()
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
