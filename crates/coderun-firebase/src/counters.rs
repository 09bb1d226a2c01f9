//! What this crate counts, through the facade that a process puts a recorder behind, or none.
//!
//! Labels are words of this file, so their number is bounded. Each handle is made once: counting is one atomic step.

use std::fmt;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

/// Looks into the memory of verified tokens.
#[derive(Clone)]
pub(crate) struct TokenCacheCounters {
    hits: Counter,
    misses: Counter,
}

impl TokenCacheCounters {
    pub(crate) fn new() -> Self {
        let looks = |result| counter!("coderun_token_cache_total", "result" => result);
        Self {
            hits: looks("hit"),
            misses: looks("miss"),
        }
    }

    /// A token was remembered and still good.
    pub(crate) fn hit(&self) {
        self.hits.increment(1);
    }

    /// A token had to be judged.
    pub(crate) fn missed(&self) {
        self.misses.increment(1);
    }
}

/// Fetches of signing keys, and how old those in use are.
#[derive(Clone)]
pub(crate) struct KeyCounters {
    succeeded: Counter,
    failed: Counter,
    age: Gauge,
}

impl KeyCounters {
    /// Counts one fetch that ended.
    pub(crate) fn fetched<T, E>(&self, result: &Result<T, E>) {
        match result {
            Ok(_) => self.succeeded.increment(1),
            Err(_) => self.failed.increment(1),
        }
    }

    /// Takes down how long ago the keys that are asked for were fetched.
    pub(crate) fn used_at_age(&self, age: Duration) {
        self.age.set(age.as_secs_f64());
    }
}

impl Default for KeyCounters {
    fn default() -> Self {
        let fetches = |result| counter!("coderun_key_fetches_total", "result" => result);
        let age = gauge!("coderun_keys_age_seconds");
        // No keys have no age, and 0 would be a lie.
        age.set(f64::NAN);
        Self {
            succeeded: fetches("ok"),
            failed: fetches("failed"),
            age,
        }
    }
}

/// Questions about users.
#[derive(Clone)]
pub(crate) struct LookupCounters {
    succeeded: Counter,
    failed: Counter,
}

impl LookupCounters {
    pub(crate) fn new() -> Self {
        let lookups = |result| counter!("coderun_user_lookups_total", "result" => result);
        Self {
            succeeded: lookups("ok"),
            failed: lookups("failed"),
        }
    }

    /// Counts one question that was answered, or was not.
    pub(crate) fn asked<T, E>(&self, result: &Result<T, E>) {
        match result {
            Ok(_) => self.succeeded.increment(1),
            Err(_) => self.failed.increment(1),
        }
    }
}

impl fmt::Debug for TokenCacheCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCacheCounters")
    }
}

impl fmt::Debug for KeyCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyCounters")
    }
}

impl fmt::Debug for LookupCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookupCounters")
    }
}
