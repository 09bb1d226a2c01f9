//! Remembers who has used up their submissions per minute, so that no more bodies of theirs are read meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use coderun_domain::{Quota, StoreError, UserId};
use parking_lot::Mutex;
use tokio::time::Instant;

/// The most users that are remembered. The store refuses those beyond, once their bodies are read.
const USERS_MAX: usize = 4_096;

/// The users whom the store has refused for their rate.
#[derive(Debug, Default)]
pub(crate) struct SpentRates(Mutex<HashMap<UserId, SpentRate>>);

#[derive(Debug, Clone, Copy)]
struct SpentRate {
    limit: u32,
    until: Instant,
}

impl SpentRates {
    /// Refuses a user whose rate is still used up, as the store would.
    ///
    /// # Errors
    /// [`StoreError::QuotaExceeded`]
    pub(crate) fn check(&self, user: &UserId) -> Result<(), StoreError> {
        let spent = self.0.lock().get(user).copied();
        let left = spent.map(|spent| spent.until.saturating_duration_since(Instant::now()));
        match (spent, left) {
            (Some(SpentRate { limit, .. }), Some(left)) if left > Duration::ZERO => {
                Err(StoreError::QuotaExceeded {
                    quota: Quota::SubmitsPerMinute,
                    limit,
                    retry_after: left,
                })
            }
            _ => Ok(()),
        }
    }

    /// Remembers the user if this error says that the rate is used up.
    pub(crate) fn remember(&self, user: &UserId, error: &StoreError) {
        let StoreError::QuotaExceeded {
            quota: Quota::SubmitsPerMinute,
            limit,
            retry_after,
        } = error
        else {
            return;
        };
        let (limit, now) = (*limit, Instant::now());
        let mut spent = self.0.lock();
        if spent.len() >= USERS_MAX {
            spent.retain(|_, rate| rate.until > now);
        }
        if spent.len() < USERS_MAX {
            let until = now + *retry_after;
            spent.insert(user.clone(), SpentRate { limit, until });
        }
    }
}
