//! Handles several submissions in one request.

use actix_web::{HttpRequest, HttpResponse, web};
use coderun_domain::{Execution, IdempotencyKey};

use super::submit_call::SubmitCall;
use crate::authentication::Authenticated;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::{BatchAnswer, BatchEntry, BatchRequest, SubmitAnswer, SubmitRequest};

/// `POST /api/v1/executions/batch`. Each entry is submitted by itself, in order, and under a key of its own if the request has one.
pub(crate) async fn submit_batch(
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
    let key = call.idempotency_key()?;
    if key.is_none() {
        call.check_spent_rate()?;
    }
    let (body, unknown) = call.read::<BatchRequest>(payload).await?;
    let mut answers = Vec::new();
    for (index, submission) in (0..).zip(body.into_submissions()?) {
        let key = key.as_ref().map(|key| key.of_entry(index));
        let answer = match submission {
            Ok(submission) => submit_entry(call, submission, key).await,
            Err(problem) => Err(problem),
        };
        answers.push(answer.map_err(|problem| problem.below(&format!("submissions[{index}]"))));
    }
    let mut executions = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        executions.push(match answer {
            Ok(execution) => {
                let warnings = call.warnings(execution.submission(), unknown.of_entry(index));
                BatchEntry::Accepted(SubmitAnswer::new(execution, warnings))
            }
            Err(problem) => {
                problem.log_cause(None);
                BatchEntry::Refused(problem.details(call.request.path()))
            }
        });
    }
    Ok(HttpResponse::Ok().json(BatchAnswer { executions }))
}

async fn submit_entry(
    call: &mut SubmitCall,
    submission: SubmitRequest,
    key: Option<IdempotencyKey>,
) -> Result<Execution, Problem> {
    let draft = call.draft_of(submission)?;
    call.submit(draft, key.as_ref()).await
}
