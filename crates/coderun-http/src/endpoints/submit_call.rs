//! Submits for one request, and tells its client what is left of the quotas.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use coderun_app::SubmitError;
use coderun_domain::{
    Execution, IdempotencyKey, StoreError, Submission, SubmissionDraft, TraceContext, UserId,
};

use crate::authentication::Authenticated;
use crate::body::{FromJson, UnknownFields, UnknownFieldsOf, read_json};
use crate::headers::{IDEMPOTENCY_KEY, Repeated, single};
use crate::problem::{ErrorLocation, Problem, refused_submission};
use crate::rate_limit::QuotaState;
use crate::state::AppState;
use crate::wire::{FIELDS, SubmitRequest};

const BUFFERING_IGNORED: &str =
    "`buffering` is ignored: the runner passes output on when the program has ended";
const KEY_EXPECTED: &str = "must be 1 to 255 visible ASCII characters, given once";

/// A request that submits, by its user.
pub(super) struct SubmitCall {
    pub(super) user: UserId,
    pub(super) request: HttpRequest,
    pub(super) state: web::Data<AppState>,
    quotas: QuotaState,
}

impl SubmitCall {
    pub(super) fn new(
        caller: Authenticated,
        request: HttpRequest,
        state: web::Data<AppState>,
    ) -> Self {
        Self {
            user: caller.0.user,
            request,
            state,
            quotas: QuotaState::default(),
        }
    }

    /// The key with which the client names its submissions, if it does.
    pub(super) fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, Problem> {
        let bad = || Problem::invalid(ErrorLocation::Header(IDEMPOTENCY_KEY), KEY_EXPECTED);
        let value = single(self.request.headers(), IDEMPOTENCY_KEY);
        let value = value.map_err(|Repeated| bad())?;
        let parse = |value: &HeaderValue| IdempotencyKey::parse(value.to_str().ok()?).ok();
        value.map(|value| parse(value).ok_or_else(bad)).transpose()
    }

    /// Refuses a user whose rate is known to be used up.
    pub(super) fn check_spent_rate(&self) -> Result<(), StoreError> {
        self.state.spent_rates.check(&self.user)
    }

    /// Reads the body.
    pub(super) async fn read<T: FromJson + Send + 'static>(
        &self,
        payload: web::Payload,
    ) -> Result<(T, UnknownFields), Problem> {
        read_json(self.request.headers(), payload, &self.state, &self.user).await
    }

    /// The draft of a body.
    ///
    /// # Errors
    /// All mistakes of the body, if it has any of those that the domain does not see.
    pub(super) fn draft_of(&self, body: SubmitRequest) -> Result<SubmissionDraft, Problem> {
        let trace = self.request.extensions().get::<TraceContext>().copied();
        let (draft, found) = body.into_draft(trace);
        if found.is_empty() {
            return Ok(draft);
        }
        // The submission is invalid in any case, so an unreachable backend does not matter here.
        let executions = &self.state.ports.executions;
        let more = match executions.validate(self.user.clone(), draft) {
            Err(SubmitError::Invalid(more)) => Some(more),
            Ok(_)
            | Err(SubmitError::NoWorkerYet(_) | SubmitError::KeyReused | SubmitError::Store(_)) => {
                None
            }
        };
        Err(refused_submission(found, more.as_ref()))
    }

    /// Submits a draft, unless the server is shutting down.
    pub(super) async fn submit(
        &mut self,
        draft: SubmissionDraft,
        key: Option<&IdempotencyKey>,
    ) -> Result<Execution, Problem> {
        let state = &self.state;
        refuse_while_draining(state)?;
        let submitting = state.ports.executions.submit(self.user.clone(), draft, key);
        match submitting.await {
            Ok(accepted) => {
                self.quotas.note_usage(accepted.usage, &state.submit_quotas);
                Ok(accepted.execution)
            }
            Err(error) => {
                if let SubmitError::Store(error) = &error {
                    state.spent_rates.remember(&self.user, error);
                }
                let problem = Problem::from(error);
                self.quotas.note_refusal(&problem);
                Err(problem)
            }
        }
    }

    /// Warnings of what an accepted submission asks for and does not get.
    pub(super) fn warnings(
        &self,
        submission: &Submission,
        unknown: UnknownFieldsOf<'_>,
    ) -> Vec<String> {
        let mut warnings = unknown.warnings(&FIELDS);
        let asks_for_buffering = submission.requested_buffering().is_some();
        let fleet = || self.state.ports.executions.fleet_view();
        if asks_for_buffering && fleet().is_ok_and(|fleet| fleet.ignores_buffering()) {
            warnings.push(BUFFERING_IGNORED.to_owned());
        }
        warnings
    }

    /// The answer with what is known of the quotas.
    pub(super) fn end(
        self,
        answer: Result<HttpResponse, Problem>,
    ) -> Result<HttpResponse, Problem> {
        self.state.submit_quotas.describe(self.quotas, answer)
    }
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
