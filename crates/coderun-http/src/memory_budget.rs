//! Bounds the memory of large answers, or of request bodies: in total, and for each user.
//!
//! Clients decide how long an answer stays in memory, and how long a body takes to arrive. Whoever needs memory for one takes it
//! from a budget first. The share of a user keeps one from using up the budget of all, and only a few may wait for memory,
//! because what waits occupies some as well.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ByteSize, FailureKind, UserId};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A user may occupy this part of a budget.
const USER_SHARE: u32 = 4;
/// The most that wait for a part of the whole budget.
const WAITING_MAX: usize = 64;
/// The most that wait for a part of one user's share.
const USER_WAITING_MAX: usize = 16;

/// Memory that all users share, counted in KiB.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    total: Arc<Pool>,
    users: Mutex<HashMap<UserId, Arc<Pool>>>,
    timeout: Duration,
}

/// The budget that has no memory left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BudgetExhausted {
    /// The budget of all users together.
    #[error("the budget of all users is used up")]
    Total,
    /// The share of this user.
    #[error("the share of the user is used up")]
    PerUser,
}

impl BudgetExhausted {
    /// The kind of failure for the client.
    pub(crate) const fn kind(self) -> FailureKind {
        match self {
            Self::Total => FailureKind::Overloaded,
            Self::PerUser => FailureKind::RateLimited,
        }
    }
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct BudgetPermit {
    total: OwnedSemaphorePermit,
    user: OwnedSemaphorePermit,
    /// Keeps the share of the user in the map.
    _share: Arc<Pool>,
}

impl MemoryBudget {
    /// A budget of this size, whose parts are waited for at most this long.
    pub(crate) fn new(max: ByteSize, timeout: Duration) -> Self {
        Self {
            total: Arc::new(Pool::new(kib(max.as_bytes()), WAITING_MAX)),
            users: Mutex::default(),
            timeout,
        }
    }

    /// Waits for this much memory. More than there is in all, or in the share of the user, takes all of it.
    ///
    /// # Errors
    /// The budget that has too little, after the timeout or because too many wait for it already.
    pub(crate) async fn acquire(
        &self,
        user: &UserId,
        bytes: usize,
    ) -> Result<BudgetPermit, BudgetExhausted> {
        let kib = kib(u64::try_from(bytes).unwrap_or(u64::MAX));
        let share = self.share_of(user);
        let of_user = share.acquire(kib, self.timeout).await;
        let user = of_user.ok_or(BudgetExhausted::PerUser)?;
        let of_total = self.total.acquire(kib, self.timeout).await;
        Ok(BudgetPermit {
            total: of_total.ok_or(BudgetExhausted::Total)?,
            user,
            _share: share,
        })
    }

    fn share_of(&self, user: &UserId) -> Arc<Pool> {
        let mut users = self.users.lock();
        if let Some(share) = users.get(user) {
            return Arc::clone(share);
        }
        users.retain(|_, share| Arc::strong_count(share) > 1);
        let share = Pool::new((self.total.kib / USER_SHARE).max(1), USER_WAITING_MAX);
        let share = Arc::new(share);
        users.insert(user.clone(), Arc::clone(&share));
        share
    }
}

impl BudgetPermit {
    /// Gives back what exceeds this size.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let kib = kib(u64::try_from(bytes).unwrap_or(u64::MAX));
        for permit in [&mut self.total, &mut self.user] {
            let surplus = permit
                .num_permits()
                .saturating_sub(usize::try_from(kib).unwrap_or(usize::MAX));
            drop(permit.split(surplus));
        }
    }
}

/// A number of KiB that can be taken, and how many may wait for some.
#[derive(Debug)]
struct Pool {
    available: Arc<Semaphore>,
    waiting: Semaphore,
    kib: u32,
}

impl Pool {
    fn new(kib: u32, waiting_max: usize) -> Self {
        let permits = usize::try_from(kib).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            available: Arc::new(Semaphore::new(permits)),
            waiting: Semaphore::new(waiting_max),
            kib,
        }
    }

    async fn acquire(&self, kib: u32, timeout: Duration) -> Option<OwnedSemaphorePermit> {
        let kib = kib.min(self.kib);
        if let Ok(permit) = Arc::clone(&self.available).try_acquire_many_owned(kib) {
            return Some(permit);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let acquiring = Arc::clone(&self.available).acquire_many_owned(kib);
        tokio::time::timeout(timeout, acquiring).await.ok()?.ok()
    }
}

/// A size in KiB, rounded up, at most what a semaphore can count.
fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).map_or(u32::MAX >> 3, |kib| kib.min(u32::MAX >> 3))
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::user;
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;

    use super::*;

    /// A budget of 4 MiB, so that the share of each user is 1 MiB.
    fn budget() -> MemoryBudget {
        MemoryBudget::new(ByteSize::from_mib(4), Duration::from_millis(1))
    }

    #[tokio::test]
    async fn one_user_does_not_use_up_the_budget_of_another() {
        let (budget, alice, bob) = (budget(), user("alice"), user("bob"));
        let held = budget.acquire(&alice, 600 << 10).await.unwrap();
        let refused = budget.acquire(&alice, 600 << 10).await;
        assert_eq!(refused.err(), Some(BudgetExhausted::PerUser));
        assert!(budget.acquire(&bob, 600 << 10).await.is_ok());
        drop(held);
        assert!(budget.acquire(&alice, 600 << 10).await.is_ok());
    }

    #[tokio::test]
    async fn more_than_a_share_takes_all_of_it_and_counts_whole_in_the_total() {
        let (budget, alice, bob) = (budget(), user("alice"), user("bob"));
        let mut huge = budget.acquire(&alice, 5 << 20).await.unwrap();
        let refused = budget.acquire(&bob, 1).await;
        assert_eq!(refused.err(), Some(BudgetExhausted::Total));
        huge.shrink_to(1 << 10);
        assert!(budget.acquire(&bob, 1 << 20).await.is_ok());
        assert!(budget.acquire(&alice, 1000 << 10).await.is_ok());
    }

    #[tokio::test]
    async fn only_some_wait_and_the_others_are_refused_at_once() {
        let alice = user("alice");
        let budget = MemoryBudget::new(ByteSize::from_mib(4), Duration::from_mins(1));
        let held = budget.acquire(&alice, 1 << 20).await.unwrap();
        let waiting = (0..USER_WAITING_MAX).map(|_| budget.acquire(&alice, 1 << 10));
        let mut waiting = Box::pin(join_all(waiting));
        assert!(waiting.as_mut().now_or_never().is_none());
        let refused = budget.acquire(&alice, 1 << 10).await;
        assert_eq!(refused.err(), Some(BudgetExhausted::PerUser));
        drop(held);
        assert!(waiting.await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_user_who_holds_nothing_is_forgotten() {
        let (budget, alice, bob) = (budget(), user("alice"), user("bob"));
        drop(budget.acquire(&alice, 1).await.unwrap());
        let _held = budget.acquire(&bob, 1).await.unwrap();
        assert!(!budget.users.lock().contains_key(&alice));
    }
}
