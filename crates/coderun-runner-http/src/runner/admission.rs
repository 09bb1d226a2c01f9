//! Limits how many programs run on an API at a time.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;

/// The permits of one API.
///
/// A program whose answer was lost may still run. Besides as many of these as are spare, as many others may run as before:
/// one lost answer holds up no other program.
#[derive(Debug)]
pub(super) struct Admission {
    permits: Semaphore,
    spare: usize,
    unawaited: Mutex<Unawaited>,
}

/// The numbers of programs that may still run and that no run waits for.
#[derive(Debug, Default)]
struct Unawaited {
    /// Their runs were cancelled or dropped.
    abandoned: usize,
    /// Their answers were lost.
    lost: usize,
}

/// The right to run one program on the API; it is released when this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    holder: Holder,
}

/// For what a permit is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Run,
    Abandoned,
    Lost,
}

impl Permit {
    /// Marks that the run was cancelled or dropped, while its program goes on.
    pub(super) fn abandon(&mut self) {
        self.holder = Holder::Abandoned;
        self.admission.unawaited.lock().abandoned += 1;
    }

    /// Marks that the answer was lost, while the program may go on.
    pub(super) fn lose(&mut self) {
        let admission = &self.admission;
        let mut unawaited = admission.unawaited.lock();
        if self.holder == Holder::Abandoned {
            unawaited.abandoned -= 1;
        }
        self.holder = Holder::Lost;
        unawaited.lost += 1;
        if unawaited.lost <= admission.spare {
            admission.permits.add_permits(1);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let admission = &self.admission;
        let mut unawaited = admission.unawaited.lock();
        match self.holder {
            Holder::Run => {}
            Holder::Abandoned => unawaited.abandoned -= 1,
            Holder::Lost => {
                unawaited.lost -= 1;
                if unawaited.lost < admission.spare {
                    // Another program got a permit in its place.
                    return;
                }
            }
        }
        admission.permits.add_permits(1);
    }
}

impl Admission {
    pub(super) fn new(concurrency: usize, spare: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(concurrency),
            spare,
            unawaited: Mutex::default(),
        })
    }

    /// Waits for a permit until the deadline. Cancel-safe.
    pub(super) async fn acquire(self: &Arc<Self>, deadline: Instant) -> Result<Permit, ApiError> {
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or(ApiError::NoPermit)?
            .forget();
        Ok(Permit {
            admission: Arc::clone(self),
            holder: Holder::Run,
        })
    }

    /// Whether no permit is free because of programs that no run waits for: new runs would only wait.
    pub(super) fn is_blocked(&self) -> bool {
        let unawaited = self.unawaited.lock();
        let is_held = unawaited.abandoned > 0 || unawaited.lost > self.spare;
        is_held && self.permits.available_permits() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn deadline() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    async fn permit(admission: &Arc<Admission>) -> Permit {
        admission.acquire(deadline()).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_is_waited_for_until_the_deadline() {
        let admission = Admission::new(1, 0);
        let first = permit(&admission).await;
        let begun = Instant::now();
        let refused = admission.acquire(deadline()).await.unwrap_err();
        assert_eq!(refused, ApiError::NoPermit);
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        drop(first);
        assert!(admission.acquire(deadline()).await.is_ok());
    }

    #[tokio::test]
    async fn abandoned_programs_block_new_runs_while_no_other_permit_is_free() {
        let admission = Admission::new(2, 1);
        let mut abandoned = permit(&admission).await;
        abandoned.abandon();
        assert!(!admission.is_blocked(), "one permit is free");
        let other = permit(&admission).await;
        assert!(admission.is_blocked());
        drop((abandoned, other));
        let _all = [permit(&admission).await, permit(&admission).await];
        assert!(!admission.is_blocked(), "none of them is abandoned");
    }

    #[tokio::test]
    async fn so_many_lost_programs_as_are_spare_block_no_run() {
        let admission = Admission::new(1, 1);
        let mut first = permit(&admission).await;
        first.lose();
        let mut second = permit(&admission).await;
        second.abandon();
        second.lose();
        assert!(admission.is_blocked());
        drop(first);
        assert!(!admission.is_blocked(), "the other one is spare now");
        let third = permit(&admission).await;
        drop(second);
        assert_eq!(admission.permits.available_permits(), 0);
        drop(third);
        assert_eq!(admission.permits.available_permits(), 1);
    }
}
