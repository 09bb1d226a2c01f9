//! Whether lookups work at present, and what the log is told about it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::ErrorChain;
use tokio::time::Instant;

use super::fault::LookupFault;

/// So many lookups must fail one after the other: a single one says little.
const FAILURES_MIN: u32 = 3;

/// A failure counts for so long. Whoever is told to stay away makes no lookups that could succeed, so without an end
/// the bad news would stay for ever.
const MEMORY: Duration = Duration::from_secs(10);

/// The same reason is logged at most once in this time.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// How the last lookups went.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
    last: Option<(Instant, Arc<LookupFault>)>,
    /// When each reason was logged last. There are only as many as `LookupFault` has variants.
    logged: HashMap<&'static str, Instant>,
}

impl Health {
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.last = None;
    }

    pub(super) fn failed(&mut self, fault: &Arc<LookupFault>, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        self.last = Some((now, Arc::clone(fault)));
        let before = self.logged.get(fault.reason());
        if before.is_none_or(|before| now - *before >= LOG_INTERVAL) {
            self.logged.insert(fault.reason(), now);
            tracing::warn!(
                reason = fault.reason(),
                error = %ErrorChain(fault),
                "users cannot be looked up"
            );
        }
    }

    /// The last fault, if lookups fail at present.
    pub(super) fn trouble(&self, now: Instant) -> Option<&Arc<LookupFault>> {
        let (at, fault) = self.last.as_ref()?;
        (self.failures >= FAILURES_MIN && now - *at < MEMORY).then_some(fault)
    }
}
