//! Handles a submission: at once, awaited, or as a dry run.

use std::pin::pin;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::{ExecutionId, IdempotencyKey, SubmissionDraft, UserId};
use futures_util::FutureExt as _;

use super::status::{WaitFor, wait_for};
use super::submit_call::SubmitCall;
use super::{RecordNotes, record};
use crate::authentication::Authenticated;
use crate::body::UnknownFields;
use crate::failure_log::log_failure;
use crate::metrics::SocketKind;
use crate::preferences::Preferences;
use crate::problem::Problem;
use crate::query::Query;
use crate::state::AppState;
use crate::wire::{DryRunAnswer, SubmitAnswer, SubmitRequest};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const DRY_RUN_EXPECTED: &str = "must be `true` or `false`, given once";

/// `POST /api/v1/executions/execute`
pub(crate) async fn submit(
    caller: Authenticated,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let mut call = SubmitCall::new(caller, request, state);
    let answer = answer(&mut call, payload).await;
    call.end(answer)
}

async fn answer(call: &mut SubmitCall, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let options = SubmitOptions {
        key: call.idempotency_key()?,
        preferences: Preferences::of(call.request.headers()),
    };
    let is_dry_run = is_dry_run(&call.request)?;
    // A repeated key is answered before any quota, and a dry run needs none.
    if !is_dry_run && options.key.is_none() {
        call.check_spent_rate()?;
    }
    let (body, unknown) = call.read::<SubmitRequest>(payload).await?;
    let draft = call.draft_of(body)?;
    if is_dry_run {
        let executions = &call.state.ports.executions;
        let submission = executions.validate(call.user.clone(), draft)?;
        let fleet = executions.fleet_view()?;
        let warnings = call.warnings(&submission, unknown.of_body());
        let answer = DryRunAnswer::new(&submission, &fleet, warnings);
        return Ok(HttpResponse::Ok().json(answer));
    }
    wait_for_language_check(call, &draft).await;
    submit_and_wait(call, draft, options, &unknown).await
}

/// Waits as a long poll does, because the draft stays in memory meanwhile. Without a free socket, the submission is answered as
/// the check stands.
async fn wait_for_language_check(call: &SubmitCall, draft: &SubmissionDraft) {
    let state = &call.state;
    let mut check = pin!(state.ports.executions.wait_for_language_check(draft));
    if check.as_mut().now_or_never().is_some() {
        return;
    }
    let sockets = &state.sockets;
    if let Ok(_permit) = sockets.admit_watcher(&call.user, SocketKind::LongPoll) {
        // A server that ends refuses the submission afterwards.
        let _ = state.drain.run_until_begun(check).await;
    }
}

/// What the head of a request says of its submission.
struct SubmitOptions {
    key: Option<IdempotencyKey>,
    preferences: Preferences,
}

/// Submits, and answers as the client prefers: at once, or once the execution is final.
async fn submit_and_wait(
    call: &mut SubmitCall,
    draft: SubmissionDraft,
    options: SubmitOptions,
    unknown: &UnknownFields,
) -> Result<HttpResponse, Problem> {
    let SubmitOptions { key, preferences } = options;
    // A request that waits counts as a socket. Without a free one the preference is not followed, as RFC 7240 allows.
    let wait = preferences.wait.filter(|wait| !wait.is_zero());
    let permit = wait.and_then(|_| {
        let sockets = &call.state.sockets;
        sockets.admit_watcher(&call.user, SocketKind::LongPoll).ok()
    });
    let preferences = if wait.is_some() && permit.is_none() {
        preferences.without_wait()
    } else {
        preferences
    };
    let mut execution = call.submit(draft, key.as_ref()).await?;
    let (state, id) = (&call.state, execution.id());
    if let Some(timeout) = wait.filter(|_| permit.is_some()) {
        let mut leaving = preferences
            .cancel_on_disconnect
            .then(|| CancelOnDrop::new(state, &call.user, id));
        let waited = Box::pin(wait_for(state, execution, WaitFor::End, timeout)).await;
        if let Some(leaving) = &mut leaving {
            leaving.is_armed = false;
        }
        execution = waited?;
    }
    drop(permit);
    let is_final = execution.status().is_final();
    let warnings = || call.warnings(execution.submission(), unknown.of_body());
    let recorded = if is_final && preferences.wait.is_some() {
        // Whoever gets no large record now needs the id to ask for it later.
        let notes = RecordNotes::of_warnings(warnings());
        let recording = record(state, StatusCode::OK, execution.clone(), notes);
        Box::pin(recording).await.ok()
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
        HttpResponse::build(status).json(SubmitAnswer::new(&execution, warnings()))
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
