//! Limits how many programs run on an API at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;

/// The permits of one API.
#[derive(Debug)]
pub(super) struct Admission {
    permits: Arc<Semaphore>,
    orphans: AtomicUsize,
}

/// The right to run one program on the API; it is released when this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    is_orphan: bool,
    _slot: OwnedSemaphorePermit,
}

impl Permit {
    /// Marks that no run waits for the program any more, while it may still run.
    pub(super) fn orphan(&mut self) {
        if !self.is_orphan {
            self.is_orphan = true;
            self.admission.orphans.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_orphan {
            self.admission.orphans.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Admission {
    pub(super) fn new(concurrency: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(concurrency)),
            orphans: AtomicUsize::new(0),
        })
    }

    /// Waits for a permit until the deadline. Cancel-safe.
    pub(super) async fn acquire(self: &Arc<Self>, deadline: Instant) -> Result<Permit, ApiError> {
        let acquiring = Arc::clone(&self.permits).acquire_owned();
        let permit = timeout_at(deadline, acquiring).await;
        Ok(Permit {
            admission: Arc::clone(self),
            is_orphan: false,
            _slot: permit.ok().and_then(Result::ok).ok_or(ApiError::NoPermit)?,
        })
    }

    /// Whether no permit is free and some belong to programs that no run waits for: new runs would only wait.
    pub(super) fn is_blocked(&self) -> bool {
        self.permits.available_permits() == 0 && self.orphans.load(Ordering::Acquire) > 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn deadline() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_is_waited_for_until_the_deadline() {
        let admission = Admission::new(1);
        let permit = admission.acquire(deadline()).await.unwrap();
        let begun = Instant::now();
        let refused = admission.acquire(deadline()).await.unwrap_err();
        assert_eq!(refused, ApiError::NoPermit);
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        drop(permit);
        assert!(admission.acquire(deadline()).await.is_ok());
    }

    #[tokio::test]
    async fn orphans_block_new_runs_while_no_other_permit_is_free() {
        let admission = Admission::new(2);
        let mut orphan = admission.acquire(deadline()).await.unwrap();
        orphan.orphan();
        orphan.orphan();
        assert!(!admission.is_blocked(), "one permit is free");
        let other = admission.acquire(deadline()).await.unwrap();
        assert!(admission.is_blocked());
        drop(orphan);
        drop(other);
        let mut all = Vec::new();
        for _ in 0..2 {
            all.push(admission.acquire(deadline()).await.unwrap());
        }
        assert!(
            !admission.is_blocked(),
            "all are in use and none is orphaned"
        );
    }
}
