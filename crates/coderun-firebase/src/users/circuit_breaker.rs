//! Opens after repeated failures of lookups, and lets one probe at a time through to close again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::ErrorChain;
use tokio::time::Instant;

use super::lookup_error::LookupError;

/// The number of failures in a row that opens the breaker; a single failure says little.
const FAILURES_MIN: u32 = 3;

/// How long a failure counts for readiness. Without an end, a service that gets no requests while it is not ready would
/// make no lookup that could succeed, and would never be ready again.
const FAILURE_COUNTS_FOR: Duration = Duration::from_secs(10);

/// The same reason is logged at most once in this time.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// How long the breaker is open first; after each probe that fails, it is open for twice as long.
const OPEN_FIRST: Duration = Duration::from_secs(1);

/// The longest time for which the breaker is open.
const OPEN_MAX: Duration = Duration::from_secs(30);

/// Counts failures that affect all users. Those that concern one user alone are only logged.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    failures: u32,
    last: Option<(Instant, Arc<LookupError>)>,
    open: Option<Open>,
    /// When each reason was logged last. There are only as many as `LookupError` has variants.
    logged: HashMap<&'static str, Instant>,
}

/// A time in which no user is looked up, and the probe after it.
#[derive(Debug)]
struct Open {
    until: Instant,
    length: Duration,
    is_probed: bool,
}

/// What a lookup is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To answer callers.
    Lookup,
    /// To answer callers, and to find out whether lookups work again.
    Probe,
}

impl CircuitBreaker {
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.last = None;
        self.open = None;
    }

    pub(super) fn failed(&mut self, error: &Arc<LookupError>, purpose: Purpose, now: Instant) {
        self.log(error, now);
        if !error.is_systemic() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some((now, Arc::clone(error)));
        let length = match (&self.open, purpose) {
            (None, _) if self.failures >= FAILURES_MIN => OPEN_FIRST,
            (Some(open), Purpose::Probe) => (open.length * 2).min(OPEN_MAX),
            (None | Some(_), _) => return,
        };
        self.open = Some(Open {
            until: now + length,
            length,
            is_probed: false,
        });
    }

    /// What a lookup that begins now is for; `None` if it may not begin.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Purpose> {
        let Some(open) = &mut self.open else {
            return Some(Purpose::Lookup);
        };
        if open.is_probed || now < open.until {
            return None;
        }
        open.is_probed = true;
        Some(Purpose::Probe)
    }

    /// Ends the probe. If it neither succeeded nor failed, the next lookup is another probe.
    pub(super) fn probe_ended(&mut self) {
        if let Some(open) = &mut self.open {
            open.is_probed = false;
        }
    }

    /// The error for a caller while the breaker is open; `None` while it is closed.
    pub(super) fn open_error(&self) -> Option<LookupError> {
        let (_, error) = self.last.as_ref()?;
        let is_open = self.open.is_some();
        is_open.then(|| LookupError::CircuitOpen(Arc::clone(error)))
    }

    /// How long the breaker is open at least.
    pub(super) fn open_for(&self, now: Instant) -> Duration {
        let until = self.open.as_ref().map(|open| open.until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// The last error, if lookups fail at present.
    pub(super) fn recent_error(&self, now: Instant) -> Option<Arc<LookupError>> {
        let (at, error) = self.last.as_ref()?;
        let is_recent = self.failures >= FAILURES_MIN && now - *at < FAILURE_COUNTS_FOR;
        (is_recent || !self.open_for(now).is_zero()).then(|| Arc::clone(error))
    }

    fn log(&mut self, error: &LookupError, now: Instant) {
        let before = self.logged.get(error.reason());
        if before.is_none_or(|before| now - *before >= LOG_INTERVAL) {
            self.logged.insert(error.reason(), now);
            tracing::warn!(
                reason = error.reason(),
                error = %ErrorChain(error),
                "cannot look up users"
            );
        }
    }
}
