//! Limits how many programs run on an API at a time.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use coderun_domain::UserId;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;

/// The permits of one API.
///
/// A program whose answer was lost may still run. Besides as many of these as are spare, as many others may run as before:
/// one lost answer holds up no other program.
///
/// A quarter of the permits, at least one, is kept from users whose abandoned programs may still run: those who submit and
/// cancel again and again do not occupy the whole API.
#[derive(Debug)]
pub(super) struct Admission {
    permits: Semaphore,
    reserve: usize,
    spare: usize,
    released: Notify,
    unawaited: Mutex<Unawaited>,
}

/// The numbers of programs that may still run and that no run waits for.
#[derive(Debug, Default)]
struct Unawaited {
    /// Their runs were cancelled or dropped, by users.
    abandoned: HashMap<UserId, usize>,
    /// Their answers were lost.
    lost: usize,
}

/// The right to run one program on the API; it is released when this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    admission: Arc<Admission>,
    user: UserId,
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
        let mut unawaited = self.admission.unawaited.lock();
        *unawaited.abandoned.entry(self.user.clone()).or_default() += 1;
    }

    /// Marks that the answer was lost, while the program may go on.
    pub(super) fn lose(&mut self) {
        let admission = &self.admission;
        let mut unawaited = admission.unawaited.lock();
        if self.holder == Holder::Abandoned {
            unawaited.end_abandoned(&self.user);
        }
        self.holder = Holder::Lost;
        unawaited.lost += 1;
        if unawaited.lost <= admission.spare {
            admission.permits.add_permits(1);
        }
        admission.released.notify_waiters();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let admission = &self.admission;
        let mut unawaited = admission.unawaited.lock();
        match self.holder {
            Holder::Run => {}
            Holder::Abandoned => unawaited.end_abandoned(&self.user),
            Holder::Lost => {
                unawaited.lost -= 1;
                if unawaited.lost < admission.spare {
                    // Another program got a permit in its place.
                    return;
                }
            }
        }
        admission.release();
    }
}

impl Unawaited {
    fn end_abandoned(&mut self, user: &UserId) {
        match self.abandoned.get_mut(user) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                self.abandoned.remove(user);
            }
        }
    }
}

impl Admission {
    pub(super) fn new(concurrency: usize, spare: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(concurrency),
            reserve: (concurrency / 4).max(1),
            spare,
            released: Notify::new(),
            unawaited: Mutex::default(),
        })
    }

    /// Waits for a permit until the deadline. Cancel-safe.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        user: &UserId,
        deadline: Instant,
    ) -> Result<Permit, ApiError> {
        let acquiring = async {
            self.wait_beside_reserve(user).await;
            self.permits.acquire().await
        };
        let permit = timeout_at(deadline, acquiring).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or(ApiError::NoPermit)?
            .forget();
        Ok(Permit {
            admission: Arc::clone(self),
            user: user.clone(),
            holder: Holder::Run,
        })
    }

    /// Waits while a user has abandoned programs and only the reserve is free. Cancel-safe.
    async fn wait_beside_reserve(&self, user: &UserId) {
        while self.is_kept_from_reserve(user) {
            let mut released = pin!(self.released.notified());
            // A release after the next look must not be missed.
            released.as_mut().enable();
            if self.is_kept_from_reserve(user) {
                released.await;
            }
        }
    }

    fn is_kept_from_reserve(&self, user: &UserId) -> bool {
        let has_abandoned = self.unawaited.lock().abandoned.contains_key(user);
        has_abandoned && self.permits.available_permits() <= self.reserve
    }

    fn release(&self) {
        self.permits.add_permits(1);
        self.released.notify_waiters();
    }

    /// Whether no permit is free because of programs that no run waits for: new runs would only wait.
    pub(super) fn is_blocked(&self) -> bool {
        let unawaited = self.unawaited.lock();
        let is_held = !unawaited.abandoned.is_empty() || unawaited.lost > self.spare;
        is_held && self.permits.available_permits() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coderun_domain::testing::user;

    use super::*;

    fn deadline() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    async fn permit(admission: &Arc<Admission>) -> Permit {
        permit_of(admission, "alice").await.unwrap()
    }

    async fn permit_of(admission: &Arc<Admission>, name: &str) -> Result<Permit, ApiError> {
        admission.acquire(&user(name), deadline()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_is_waited_for_until_the_deadline() {
        let admission = Admission::new(1, 0);
        let first = permit(&admission).await;
        let begun = Instant::now();
        let refused = permit_of(&admission, "bob").await.unwrap_err();
        assert_eq!(refused, ApiError::NoPermit);
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        drop(first);
        assert!(permit_of(&admission, "bob").await.is_ok());
    }

    #[tokio::test]
    async fn abandoned_programs_block_new_runs_while_no_other_permit_is_free() {
        let admission = Admission::new(2, 1);
        let mut abandoned = permit(&admission).await;
        abandoned.abandon();
        assert!(!admission.is_blocked(), "one permit is free");
        let other = permit_of(&admission, "bob").await.unwrap();
        assert!(admission.is_blocked());
        drop((abandoned, other));
        let _all = [permit(&admission).await, permit(&admission).await];
        assert!(!admission.is_blocked(), "none of them is abandoned");
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_who_abandons_programs_leaves_the_reserve_to_others() {
        let admission = Admission::new(8, 0);
        let mut abandoned = Vec::new();
        while let Ok(mut permit) = permit_of(&admission, "alice").await {
            permit.abandon();
            abandoned.push(permit);
        }
        assert_eq!(abandoned.len(), 6);
        let others = ["bob", "carol"].map(user);
        for other in &others {
            assert!(admission.acquire(other, deadline()).await.is_ok());
        }
        let mut waiting = pin!(permit_of(&admission, "alice"));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("the reserve was given to a user who abandons programs"),
            () = tokio::task::yield_now() => {}
        }
        abandoned.pop();
        assert!(waiting.await.is_ok());
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
