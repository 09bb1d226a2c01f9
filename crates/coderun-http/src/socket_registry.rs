//! Limits the watchers of all kinds: in total, of each user, and while they are not verified.

use std::collections::HashMap;
use std::sync::Arc;

use coderun_domain::{SharedBound, SharedBoundReached, UserId};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::SocketLimits;
use crate::metrics::{CountedSocket, SocketKind};

/// The limit that refuses one more watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketLimitReached {
    /// The limit of all users together.
    Total,
    /// The limit of this user, or their share of that of all users.
    PerUser {
        /// The most that the user may have now.
        limit: u64,
    },
}

/// The watchers of one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketUsage {
    /// The most that each user may have.
    pub(crate) limit: u64,
    /// Those that the user has.
    pub(crate) open: u64,
    /// Those that the user's share of the total still allows.
    pub(crate) room: u64,
}

/// Counts the watchers of all threads: sockets, event streams and long polls. A permit is given back when it is dropped,
/// and is refused rather than waited for. The users share the total as a [`SharedBound`].
#[derive(Debug)]
pub(crate) struct SocketRegistry {
    open: Arc<Semaphore>,
    total_max: usize,
    unverified: Arc<Semaphore>,
    per_user: Arc<Mutex<HashMap<UserId, usize>>>,
    per_user_max: usize,
}

impl SocketRegistry {
    pub(crate) fn new(limits: &SocketLimits) -> Self {
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let total_max = limits.total_max.min(Semaphore::MAX_PERMITS);
        Self {
            open: semaphore(total_max),
            total_max,
            unverified: semaphore(limits.unverified_max),
            per_user: Arc::default(),
            per_user_max: limits.per_user_max,
        }
    }

    /// A permit for one more watcher.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, SocketLimitReached> {
        acquire(&self.open)
    }

    /// A permit for one more watcher that is being verified.
    pub(crate) fn admit_unverified(&self) -> Result<OwnedSemaphorePermit, SocketLimitReached> {
        acquire(&self.unverified)
    }

    /// A permit for one more watcher of this user.
    pub(crate) fn admit_watcher(
        &self,
        user: &UserId,
        kind: SocketKind,
    ) -> Result<WatcherPermit, SocketLimitReached> {
        self.admit_verified(self.admit()?, user, kind)
    }

    /// A permit for one watcher of this user that is already counted in the total.
    pub(crate) fn admit_verified(
        &self,
        total: OwnedSemaphorePermit,
        user: &UserId,
        kind: SocketKind,
    ) -> Result<WatcherPermit, SocketLimitReached> {
        let user = self.admit_user(user)?;
        Ok(WatcherPermit {
            _total: total,
            _user: user,
            _counted: CountedSocket::new(kind),
        })
    }

    /// The watchers that this user has, and may have.
    pub(crate) fn usage(&self, user: &UserId) -> SocketUsage {
        let count = self.per_user.lock().get(user).copied().unwrap_or_default();
        let open = self.total_max - self.open.available_permits();
        let others = open.saturating_sub(count);
        let [total, held, others, limit] =
            [self.total_max, count, others, self.per_user_max].map(to_u64);
        SocketUsage {
            limit,
            open: held,
            room: SharedBound::new(total).room(held, others),
        }
    }

    /// Counts a watcher that already counts in the total.
    fn admit_user(&self, user: &UserId) -> Result<UserPermit, SocketLimitReached> {
        let mut counts = self.per_user.lock();
        let count = counts.get(user).copied().unwrap_or_default();
        if count >= self.per_user_max {
            let limit = to_u64(self.per_user_max);
            return Err(SocketLimitReached::PerUser { limit });
        }
        let open = self.total_max - self.open.available_permits();
        let others = open.saturating_sub(count + 1);
        let [total, held, others] = [self.total_max, count, others].map(to_u64);
        let checked = SharedBound::new(total).check(held, others, 1);
        checked.map_err(|reached| match reached {
            SharedBoundReached::Share => SocketLimitReached::PerUser { limit: held },
            SharedBoundReached::Total => SocketLimitReached::Total,
        })?;
        counts.insert(user.clone(), count + 1);
        drop(counts);
        Ok(UserPermit {
            user: user.clone(),
            per_user: Arc::clone(&self.per_user),
        })
    }
}

/// The number of things in memory, which fits.
fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn acquire(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, SocketLimitReached> {
    let permit = Arc::clone(semaphore).try_acquire_owned();
    permit.map_err(|_| SocketLimitReached::Total)
}

/// The permit of one watcher, who counts against the limits for as long as it lives.
pub(crate) struct WatcherPermit {
    _total: OwnedSemaphorePermit,
    _user: UserPermit,
    _counted: CountedSocket,
}

/// The part of a permit that counts against the limit of the user.
#[derive(Debug)]
struct UserPermit {
    user: UserId,
    per_user: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Drop for UserPermit {
    fn drop(&mut self) {
        let mut counts = self.per_user.lock();
        match counts.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                counts.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::user;

    use super::*;

    fn registry(total_max: usize, per_user_max: usize) -> SocketRegistry {
        SocketRegistry::new(&SocketLimits {
            total_max,
            per_user_max,
            unverified_max: 1,
            ..SocketLimits::default()
        })
    }

    impl SocketRegistry {
        fn watch(&self, name: &str) -> Result<WatcherPermit, SocketLimitReached> {
            self.admit_watcher(&user(name), SocketKind::WebSocket)
        }

        /// As many watchers as are admitted.
        fn fill(&self, name: &str) -> Vec<WatcherPermit> {
            std::iter::from_fn(|| self.watch(name).ok()).collect()
        }
    }

    #[test]
    fn one_user_does_not_use_up_the_limit_of_another() {
        let registry = registry(20, 2);
        let alice = registry.fill("alice");
        assert_eq!(alice.len(), 2);
        assert_eq!(
            registry.watch("alice").err(),
            Some(SocketLimitReached::PerUser { limit: 2 })
        );
        assert!(registry.watch("bob").is_ok());
    }

    #[test]
    fn users_share_the_total_and_a_newcomer_finds_room() {
        let registry = registry(40, 50);
        let greedy: Vec<_> = ["a", "b", "c", "d"]
            .iter()
            .map(|name| registry.fill(name))
            .collect();
        let counts: Vec<_> = greedy.iter().map(Vec::len).collect();
        assert_eq!(counts, [10, 6, 4, 3]);
        assert_eq!(
            registry.watch("a").err(),
            Some(SocketLimitReached::PerUser { limit: 10 })
        );
        let others: Vec<_> = (0..17)
            .map(|number| registry.watch(&number.to_string()))
            .collect();
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(
            registry.watch("newcomer").err(),
            Some(SocketLimitReached::Total)
        );
        drop(greedy);
        assert_eq!(
            registry.fill("a").len(),
            4,
            "a third of 30 that are free without 17"
        );
    }

    #[test]
    fn a_dropped_permit_is_given_back_and_its_user_is_forgotten() {
        let registry = registry(20, 2);
        let [first, second] = [(); 2].map(|()| registry.watch("alice"));
        drop(first);
        assert_eq!(registry.per_user.lock().get(&user("alice")), Some(&1));
        drop(second);
        assert!(registry.per_user.lock().is_empty());
    }

    #[test]
    fn the_total_and_the_unverified_are_counted_separately() {
        let registry = registry(2, 2);
        let first = (registry.admit(), registry.admit_unverified());
        assert!(first.0.is_ok() && first.1.is_ok());
        assert!(registry.admit_unverified().is_err());
        let second = registry.admit();
        assert!(second.is_ok() && registry.admit().is_err());
        drop(first);
        assert!(registry.admit().is_ok() && registry.admit_unverified().is_ok());
    }
}
