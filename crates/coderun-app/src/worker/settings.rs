//! How a worker goes about its work.

use std::time::Duration;

use coderun_domain::{StorePolicy, WorkerId};

use crate::Rhythm;

/// The first wait after a failure; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How a worker goes about its work.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Who it is among all workers.
    pub id: WorkerId,
    /// How many executions it runs at a time.
    pub concurrency: usize,
    /// How often a runner may fail at one execution before this worker gives it up; the store's policy has the last word.
    pub attempts_max: u32,
    /// How long it waits at most before it asks for work again, though nobody announced any.
    pub poll: Rhythm,
    /// The rules of the store: lease, attempts and the grace beyond a run's own limits.
    pub policy: StorePolicy,
}

impl WorkerSettings {
    /// How often a lease is renewed: three times within its length, so that two renewals may fail.
    pub(super) fn renew_interval(&self) -> Duration {
        self.policy.lease / 3
    }

    /// How long to wait after so many failures in a row.
    #[expect(
        clippy::unused_self,
        reason = "a setting as soon as somebody needs another value"
    )]
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        BACKOFF_FIRST
            .saturating_mul(1 << failures.min(16))
            .min(BACKOFF_MAX)
    }
}
