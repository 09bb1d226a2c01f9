//! Tells clients what is left of their quotas: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use coderun_app::{AcceptedSubmission, SubmitError};
use coderun_domain::{Quota, QuotaUsage, StoreError, StorePolicy};

use crate::problem::{Problem, whole_seconds};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The name of the quota of submissions in a minute.
pub(crate) const SUBMITS: &str = "submits";
/// The name of the quota of pending executions.
pub(crate) const PENDING: &str = "pending";

/// The quotas of submissions, as all answers name them.
#[derive(Debug)]
pub(crate) struct SubmitQuotas {
    submits_max: u32,
    pending_max: u32,
    header: Option<HeaderValue>,
}

/// What the answers of the store have said of the quotas of a user, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct QuotaState {
    /// The submissions that are left in the minute, and the time until there is one more.
    submits: Option<(u32, Duration)>,
    /// The executions that may still wait.
    pending: Option<u32>,
    /// The pending executions of a user who holds their share.
    share: Option<u32>,
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
        let mut text = format!("\"{PENDING}\";q={pending_max}");
        if submits_max > 0 {
            text.insert_str(0, &format!("\"{SUBMITS}\";q={submits_max};w=60, "));
        }
        Self {
            submits_max,
            pending_max,
            header: HeaderValue::try_from(text).ok(),
        }
    }

    /// Adds both headers to the answer to a submission.
    pub(crate) fn describe(
        &self,
        state: &QuotaState,
        answer: Result<HttpResponse, Problem>,
    ) -> Result<HttpResponse, Problem> {
        let headers = [
            (RATE_LIMIT_POLICY, self.policy(state)),
            (RATE_LIMIT, state.header()),
        ];
        let headers = headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        match answer {
            Ok(mut response) => {
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
            Err(problem) => Err(headers.fold(problem, |problem, (name, value)| {
                problem.with_header(name, value)
            })),
        }
    }

    fn policy(&self, state: &QuotaState) -> Option<HeaderValue> {
        let header = self.header.clone()?;
        let Some(share) = state.share else {
            return Some(header);
        };
        let all = format!("{}, \"share\";q={share}", header.to_str().ok()?);
        HeaderValue::try_from(all).ok()
    }
}

impl QuotaState {
    /// Notes what the store has answered to a submission.
    pub(crate) fn note(
        &mut self,
        answer: &Result<AcceptedSubmission, SubmitError>,
        quotas: &SubmitQuotas,
    ) {
        match answer {
            Ok(accepted) => self.note_usage(accepted.usage, quotas),
            Err(SubmitError::Store(error)) => self.note_refusal(error),
            Err(SubmitError::Invalid(_) | SubmitError::NoWorkerYet(_) | SubmitError::KeyReused) => {
            }
        }
    }

    fn note_usage(&mut self, usage: QuotaUsage, quotas: &SubmitQuotas) {
        let submits = quotas.submits_max.saturating_sub(usage.submits);
        *self = Self {
            submits: (quotas.submits_max > 0).then_some((submits, usage.submits_reset)),
            pending: Some(quotas.pending_max.saturating_sub(usage.pending)),
            share: None,
        };
    }

    /// Notes which quota is used up.
    pub(crate) fn note_refusal(&mut self, error: &StoreError) {
        let StoreError::QuotaExceeded {
            quota,
            limit,
            retry_after,
        } = error
        else {
            return;
        };
        match quota {
            Quota::SubmitsPerMinute => self.submits = Some((0, *retry_after)),
            Quota::Pending => self.pending = Some(0),
            Quota::Share => self.share = Some(*limit),
        }
    }

    fn header(&self) -> Option<HeaderValue> {
        let mut text = String::with_capacity(64);
        if let Some((left, reset)) = self.submits {
            // Writing to a string cannot fail.
            let seconds = seconds_until(reset);
            let _ = write!(text, "\"{SUBMITS}\";r={left};t={seconds}, ");
        }
        if let Some(left) = self.pending {
            let _ = write!(text, "\"{PENDING}\";r={left}, ");
        }
        if self.share.is_some() {
            text.push_str("\"share\";r=0, ");
        }
        text.truncate(text.len().checked_sub(2)?);
        HeaderValue::try_from(text).ok()
    }
}
