//! How many watchers there may be, be it by WebSocket, by a stream of events or by waiting for an answer: of all users, of
//! one, and of nobody known yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use coderun_domain::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::SocketLimits;

/// Counts the sockets of all threads. Every permit gives its place back when it is dropped; nobody waits for one.
#[derive(Debug)]
pub(crate) struct SocketRegistry {
    open: Arc<Semaphore>,
    unverified: Arc<Semaphore>,
    per_user: Arc<Mutex<HashMap<UserId, usize>>>,
    per_user_max: usize,
}

impl SocketRegistry {
    pub(crate) fn new(limits: &SocketLimits) -> Self {
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self {
            open: semaphore(limits.total_max),
            unverified: semaphore(limits.unverified_max),
            per_user: Arc::default(),
            per_user_max: limits.per_user_max,
        }
    }

    /// A place for one more socket; `None` if there are too many.
    pub(crate) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.open).try_acquire_owned().ok()
    }

    /// A place for one more socket whose token is being verified; `None` if there are too many.
    pub(crate) fn admit_unverified(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unverified).try_acquire_owned().ok()
    }

    /// A place for one more socket of this user; `None` if there are too many.
    pub(crate) fn admit_user(&self, user: &UserId) -> Option<UserPermit> {
        let mut counts = lock(&self.per_user);
        let count = counts.get(user).copied().unwrap_or_default();
        if count >= self.per_user_max {
            return None;
        }
        counts.insert(user.clone(), count + 1);
        drop(counts);
        Some(UserPermit {
            user: user.clone(),
            per_user: Arc::clone(&self.per_user),
        })
    }
}

/// One socket's place among those of its user.
#[derive(Debug)]
pub(crate) struct UserPermit {
    user: UserId,
    per_user: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Drop for UserPermit {
    fn drop(&mut self) {
        let mut counts = lock(&self.per_user);
        match counts.get_mut(&self.user) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                counts.remove(&self.user);
            }
        }
    }
}

/// Counts are right at every moment, so a panic elsewhere does not spoil them.
fn lock(
    counts: &Mutex<HashMap<UserId, usize>>,
) -> std::sync::MutexGuard<'_, HashMap<UserId, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::user;

    use super::*;

    fn registry() -> SocketRegistry {
        SocketRegistry::new(&SocketLimits {
            total_max: 2,
            per_user_max: 1,
            unverified_max: 1,
            ..SocketLimits::default()
        })
    }

    #[test]
    fn one_user_does_not_take_the_place_of_another() {
        let registry = registry();
        let alice = registry.admit_user(&user("alice"));
        assert!(alice.is_some());
        assert!(registry.admit_user(&user("alice")).is_none());
        assert!(registry.admit_user(&user("bob")).is_some());
    }

    #[test]
    fn a_place_is_given_back_and_nothing_is_kept_of_the_user() {
        let registry = registry();
        drop(registry.admit_user(&user("alice")));
        assert!(lock(&registry.per_user).is_empty());
        assert!(registry.admit_user(&user("alice")).is_some());
    }

    #[test]
    fn places_in_all_and_unverified_are_counted_apart() {
        let registry = registry();
        let first = (registry.admit(), registry.admit_unverified());
        assert!(first.0.is_some() && first.1.is_some());
        assert!(registry.admit_unverified().is_none());
        let second = registry.admit();
        assert!(second.is_some() && registry.admit().is_none());
        drop(first);
        assert!(registry.admit().is_some() && registry.admit_unverified().is_some());
    }
}
