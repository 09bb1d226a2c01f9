//! What is known of the fetches of a source, told to whoever waits for one.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fetch::FetchError;

/// Nobody is told to ask again sooner than this.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// The fetches so far. They are counted from 1, and there is never more than one under way.
#[derive(Debug, Clone)]
pub(super) struct Flights {
    pub(super) started: u64,
    pub(super) ended: u64,
    /// Why the last one failed, if it did.
    pub(super) failure: Option<Arc<FetchError>>,
    /// When the next one starts if nobody asks for one.
    pub(super) next_at: Instant,
}

impl Flights {
    /// The first fetch is under way.
    pub(super) fn first(now: Instant) -> Self {
        Self {
            started: 1,
            ended: 0,
            failure: None,
            next_at: now,
        }
    }

    pub(super) const fn is_under_way(&self) -> bool {
        self.ended < self.started
    }

    /// When it is worth while to ask again.
    pub(super) fn retry_after(&self, now: Instant) -> Duration {
        if self.is_under_way() {
            return RETRY_AFTER_MIN;
        }
        let wait = self.next_at.saturating_duration_since(now);
        wait.max(RETRY_AFTER_MIN)
    }
}
