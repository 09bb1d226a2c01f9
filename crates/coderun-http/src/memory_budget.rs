//! Bounds the memory of large answers, or of request bodies, and shares it among the users.
//!
//! Clients decide how long an answer stays in memory, and how long a body takes to arrive. Whoever needs memory for one takes it
//! from a budget first. A few accounts cannot use it up for the others, and only a few may wait for memory, because what waits
//! occupies some as well.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{ByteSize, FailureKind, SharedBound, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The parts of the reserve: 256 KiB each in a budget of 64 MiB.
const RESERVE_PARTS: u64 = 64;
/// The most that wait because all users together hold too much.
const WAITING_MAX: usize = 64;
/// The most that wait because their user holds too much.
const USER_WAITING_MAX: usize = 16;

/// Memory that all users share, counted in bytes.
///
/// A user who holds nothing may take as much at once as there is without the reserve. All else is as a [`SharedBound`] says.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    pool: Arc<Pool>,
    timeout: Duration,
}

/// Why a budget has no memory for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BudgetExhausted {
    /// All users together hold too much.
    #[error("the budget of all users is used up")]
    Total,
    /// There would be memory if this user held none.
    #[error("the share of the user, {share}, is used up")]
    PerUser {
        /// The share, as the others leave it now.
        share: ByteSize,
    },
}

impl BudgetExhausted {
    /// The kind of failure for the client.
    pub(crate) const fn kind(self) -> FailureKind {
        match self {
            Self::Total => FailureKind::Overloaded,
            Self::PerUser { .. } => FailureKind::RateLimited,
        }
    }
}

impl MemoryBudget {
    /// A budget of this size, whose parts are waited for at most this long.
    pub(crate) fn new(max: ByteSize, timeout: Duration) -> Self {
        let bound = SharedBound::new(max.as_bytes()).with_reserve_parts(RESERVE_PARTS);
        let pool = Pool {
            bound,
            usage: Mutex::default(),
            released: Notify::new(),
        };
        Self {
            pool: Arc::new(pool),
            timeout,
        }
    }

    /// Waits for this much memory. More than there is without the reserve takes all of that.
    ///
    /// # Errors
    /// [`BudgetExhausted`], after the timeout or because too many wait already.
    pub(crate) async fn acquire(
        &self,
        user: &UserId,
        bytes: usize,
    ) -> Result<BudgetPermit, BudgetExhausted> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let bytes = bytes.min(self.pool.largest());
        let exhausted = match self.pool.try_acquire(user, bytes) {
            Ok(permit) => return Ok(permit),
            Err(exhausted) => exhausted,
        };
        let waiting = self.pool.begin_waiting(user, exhausted);
        let _waiting = waiting.ok_or(exhausted)?;
        let deadline = Instant::now() + self.timeout;
        loop {
            // What is released between the attempt and the wait counts, too.
            let mut released = pin!(self.pool.released.notified());
            released.as_mut().enable();
            let exhausted = match self.pool.try_acquire(user, bytes) {
                Ok(permit) => return Ok(permit),
                Err(exhausted) => exhausted,
            };
            let waited = timeout_at(deadline, released).await;
            waited.map_err(|_| exhausted)?;
        }
    }
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct BudgetPermit {
    pool: Arc<Pool>,
    user: UserId,
    bytes: u64,
}

impl BudgetPermit {
    /// Gives back what exceeds this size.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let kept = self.bytes.min(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.pool.release(&self.user, self.bytes - kept);
        self.bytes = kept;
    }
}

impl Drop for BudgetPermit {
    fn drop(&mut self) {
        self.pool.release(&self.user, self.bytes);
    }
}

/// The memory of a budget, and who holds it.
#[derive(Debug)]
struct Pool {
    bound: SharedBound,
    usage: Mutex<Usage>,
    released: Notify,
}

/// What all users hold, and how many wait because of that.
#[derive(Debug, Default)]
struct Usage {
    held: u64,
    waiting: usize,
    users: HashMap<UserId, UserUsage>,
}

/// What one user holds, and how many wait because of that.
#[derive(Debug, Default, Clone, Copy)]
struct UserUsage {
    held: u64,
    waiting: usize,
}

impl Pool {
    /// All but the reserve.
    fn largest(&self) -> u64 {
        self.bound.room(0, 0)
    }

    fn try_acquire(
        self: &Arc<Self>,
        user: &UserId,
        bytes: u64,
    ) -> Result<BudgetPermit, BudgetExhausted> {
        let mut usage = self.usage.lock();
        let held = usage.users.get(user).map_or(0, |usage| usage.held);
        let others = usage.held - held;
        if !self.admits(held, others, bytes) {
            return Err(if self.admits(0, others, bytes) {
                let share = held.saturating_add(self.bound.room(held, others));
                let share = ByteSize::from_bytes(share);
                BudgetExhausted::PerUser { share }
            } else {
                BudgetExhausted::Total
            });
        }
        usage.held += bytes;
        usage.users.entry(user.clone()).or_default().held += bytes;
        drop(usage);
        Ok(BudgetPermit {
            pool: Arc::clone(self),
            user: user.clone(),
            bytes,
        })
    }

    fn admits(&self, held: u64, others: u64, bytes: u64) -> bool {
        let is_first = held == 0 && bytes <= self.largest().saturating_sub(others);
        is_first || bytes <= self.bound.room(held, others)
    }

    fn release(&self, user: &UserId, bytes: u64) {
        let mut usage = self.usage.lock();
        usage.held -= bytes;
        usage.change(user, |user| user.held -= bytes);
        drop(usage);
        self.released.notify_waiters();
    }

    /// Counts one that waits, unless too many wait for the same reason.
    fn begin_waiting(
        self: &Arc<Self>,
        user: &UserId,
        exhausted: BudgetExhausted,
    ) -> Option<WaitingPermit> {
        let mut usage = self.usage.lock();
        let (waiting, max, user) = match exhausted {
            BudgetExhausted::Total => (&mut usage.waiting, WAITING_MAX, None),
            BudgetExhausted::PerUser { .. } => {
                let of_user = usage.users.entry(user.clone()).or_default();
                (&mut of_user.waiting, USER_WAITING_MAX, Some(user.clone()))
            }
        };
        if *waiting >= max {
            return None;
        }
        *waiting += 1;
        drop(usage);
        Some(WaitingPermit {
            pool: Arc::clone(self),
            user,
        })
    }
}

impl Usage {
    /// Changes what a user holds, and forgets a user who has nothing left.
    fn change(&mut self, user: &UserId, change: impl FnOnce(&mut UserUsage)) {
        let Some(usage) = self.users.get_mut(user) else {
            return;
        };
        change(usage);
        if usage.held == 0 && usage.waiting == 0 {
            self.users.remove(user);
        }
    }
}

/// One that waits: because of what this user holds, or of what all hold.
struct WaitingPermit {
    pool: Arc<Pool>,
    user: Option<UserId>,
}

impl Drop for WaitingPermit {
    fn drop(&mut self) {
        let mut usage = self.pool.usage.lock();
        match &self.user {
            Some(user) => usage.change(user, |user| user.waiting -= 1),
            None => usage.waiting -= 1,
        }
    }
}

#[cfg(test)]
mod tests;
