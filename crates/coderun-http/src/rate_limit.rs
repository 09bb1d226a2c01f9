//! Tells clients what is left of their quotas: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use coderun_domain::{QuotaUsage, StorePolicy};

use crate::exhausted_quota::{ExhaustedQuota, PENDING, SUBMITS};
use crate::problem::{Problem, whole_seconds};

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The quotas of submissions, as all answers name them.
#[derive(Debug)]
pub(crate) struct SubmitQuotas {
    submits_max: u32,
    pending_max: u32,
    /// The items of `RateLimit-Policy`.
    policies: Vec<String>,
}

/// What is known of the quotas of a user.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct QuotaState {
    /// The submissions that are left in the minute, and the time until there is one more.
    submits: Option<(u32, Duration)>,
    /// The executions that may still wait.
    pending: Option<u32>,
    /// Another quota, which is used up.
    exhausted: Option<ExhaustedQuota>,
}

/// The seconds until then, rounded up; 0 if there is nothing to wait for.
pub(crate) fn seconds_until(reset: Duration) -> u64 {
    if reset.is_zero() {
        0
    } else {
        whole_seconds(reset)
    }
}

impl SubmitQuotas {
    pub(crate) fn new(policy: &StorePolicy) -> Self {
        let (submits_max, pending_max) = (policy.user_submits_per_minute, policy.user_pending_max);
        let submits = (submits_max > 0).then(|| format!("\"{SUBMITS}\";q={submits_max};w=60"));
        let pending = format!("\"{PENDING}\";q={pending_max}");
        Self {
            submits_max,
            pending_max,
            policies: submits.into_iter().chain([pending]).collect(),
        }
    }

    /// Adds both headers to the answer to a submission.
    pub(crate) fn describe(
        &self,
        mut state: QuotaState,
        answer: Result<HttpResponse, Problem>,
    ) -> Result<HttpResponse, Problem> {
        match answer {
            Ok(mut response) => {
                for (name, value) in self.headers(&state) {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
            Err(problem) => {
                state.note_refusal(&problem);
                let headers = self.headers(&state).into_iter();
                Err(headers.fold(problem, |problem, (name, value)| {
                    problem.with_header(name, value)
                }))
            }
        }
    }

    fn headers(&self, state: &QuotaState) -> Vec<(HeaderName, HeaderValue)> {
        let mut policies = self.policies.clone();
        policies.extend(state.exhausted.map(ExhaustedQuota::policy));
        headers_of(&policies, state)
    }
}

/// Both headers of a 429 to what is no submission.
pub(crate) fn headers_of_refusal(quota: ExhaustedQuota) -> Vec<(HeaderName, HeaderValue)> {
    let mut state = QuotaState::default();
    state.note_exhausted(quota);
    headers_of(&[quota.policy()], &state)
}

fn headers_of(policies: &[String], state: &QuotaState) -> Vec<(HeaderName, HeaderValue)> {
    let headers = [
        (RATE_LIMIT_POLICY, Some(policies.join(", "))),
        (RATE_LIMIT, state.text()),
    ];
    let headers = headers.into_iter();
    let headers = headers.filter_map(|(name, text)| Some((name, text?.try_into().ok()?)));
    headers.collect()
}

impl QuotaState {
    /// Notes what the store has said of the quotas of an accepted submission.
    pub(crate) fn note_usage(&mut self, usage: QuotaUsage, quotas: &SubmitQuotas) {
        let submits = quotas.submits_max.saturating_sub(usage.submits);
        *self = Self {
            submits: (quotas.submits_max > 0).then_some((submits, usage.submits_reset)),
            pending: Some(quotas.pending_max.saturating_sub(usage.pending)),
            exhausted: None,
        };
    }

    /// Notes which quota is used up.
    pub(crate) fn note_refusal(&mut self, problem: &Problem) {
        if let Some(quota) = problem.quota() {
            self.note_exhausted(quota);
        }
    }

    fn note_exhausted(&mut self, quota: ExhaustedQuota) {
        match quota.name {
            SUBMITS => self.submits = Some((0, quota.reset.unwrap_or_default())),
            PENDING => self.pending = Some(0),
            _ => self.exhausted = Some(quota),
        }
    }

    /// The text of `RateLimit`, unless nothing is known.
    fn text(&self) -> Option<String> {
        let mut text = String::with_capacity(64);
        if let Some((left, reset)) = self.submits {
            // Writing to a string cannot fail.
            let seconds = seconds_until(reset);
            let _ = write!(text, "\"{SUBMITS}\";r={left};t={seconds}, ");
        }
        if let Some(left) = self.pending {
            let _ = write!(text, "\"{PENDING}\";r={left}, ");
        }
        if let Some(quota) = self.exhausted {
            let _ = write!(text, "\"{}\";r=0", quota.name);
            if let Some(reset) = quota.reset {
                let _ = write!(text, ";t={}", seconds_until(reset));
            }
            text.push_str(", ");
        }
        text.truncate(text.len().checked_sub(2)?);
        Some(text)
    }
}
