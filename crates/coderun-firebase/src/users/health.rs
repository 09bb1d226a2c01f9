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

/// The first rest after failures; each one whose trial fails is followed by one twice as long.
const REST_FIRST: Duration = Duration::from_secs(1);

/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(30);

/// How the last lookups went. Faults that concern one user alone do not count.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
    last: Option<(Instant, Arc<LookupFault>)>,
    rest: Option<Rest>,
    /// When each reason was logged last. There are only as many as `LookupFault` has variants.
    logged: HashMap<&'static str, Instant>,
}

/// A time in which nobody is asked for, and the one lookup that ends it or does not.
#[derive(Debug)]
struct Rest {
    until: Instant,
    length: Duration,
    is_tried: bool,
}

/// What a lookup is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To know a user.
    Lookup,
    /// To see whether lookups work again, too.
    Trial,
}

impl Health {
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.last = None;
        self.rest = None;
    }

    pub(super) fn failed(&mut self, fault: &Arc<LookupFault>, purpose: Purpose, now: Instant) {
        self.tell(fault, now);
        if !fault.is_general() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some((now, Arc::clone(fault)));
        let length = match (&self.rest, purpose) {
            (None, _) if self.failures >= FAILURES_MIN => REST_FIRST,
            (Some(rest), Purpose::Trial) => (rest.length * 2).min(REST_MAX),
            (None | Some(_), _) => return,
        };
        self.rest = Some(Rest {
            until: now + length,
            length,
            is_tried: false,
        });
    }

    /// What a lookup that begins now is for; `None` if it may not begin.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Purpose> {
        let Some(rest) = &mut self.rest else {
            return Some(Purpose::Lookup);
        };
        if rest.is_tried || now < rest.until {
            return None;
        }
        rest.is_tried = true;
        Some(Purpose::Trial)
    }

    /// The trial is over, and may have told nothing: then the next lookup is another one.
    pub(super) fn tried(&mut self) {
        if let Some(rest) = &mut self.rest {
            rest.is_tried = false;
        }
    }

    /// Whether a lookup that waited for its turn should not be made any more, and why.
    pub(super) fn resting(&self) -> Option<&Arc<LookupFault>> {
        let (_, fault) = self.last.as_ref()?;
        self.rest.as_ref().map(|_| fault)
    }

    /// How long lookups rest at least.
    pub(super) fn rests_for(&self, now: Instant) -> Duration {
        let until = self.rest.as_ref().map(|rest| rest.until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// The last fault, if lookups fail at present.
    pub(super) fn trouble(&self, now: Instant) -> Option<&Arc<LookupFault>> {
        let (at, fault) = self.last.as_ref()?;
        let is_recent = self.failures >= FAILURES_MIN && now - *at < MEMORY;
        (is_recent || !self.rests_for(now).is_zero()).then_some(fault)
    }

    fn tell(&mut self, fault: &LookupFault, now: Instant) {
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
}
