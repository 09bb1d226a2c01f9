//! Counts tokens, fetches of keys and lookups of users through the `metrics` facade.
//!
//! Labels are constants, so their number is bounded. Each handle is made once: counting is one atomic step.

use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

/// Counts lookups in the cache of verified tokens, by `result`.
pub const TOKEN_CACHE: &str = "coderun_token_cache_total";
/// Counts fetches of signing keys, by `result`.
pub const KEY_FETCHES: &str = "coderun_key_fetches_total";
/// The age of the signing keys at their last use.
pub const KEYS_AGE: &str = "coderun_keys_age_seconds";
/// Counts lookups of users, by `result`.
pub const USER_LOOKUPS: &str = "coderun_user_lookups_total";

/// Counts results, good and bad ones.
#[derive(Debug, Clone)]
pub(crate) struct ResultCounter {
    good: Counter,
    bad: Counter,
}

impl ResultCounter {
    /// Makes a counter with this name and these values of its label.
    pub(crate) fn new(name: &'static str, [good, bad]: [&'static str; 2]) -> Self {
        Self {
            good: counter!(name, "result" => good),
            bad: counter!(name, "result" => bad),
        }
    }

    pub(crate) fn count(&self, is_good: bool) {
        let counter = if is_good { &self.good } else { &self.bad };
        counter.increment(1);
    }
}

/// Shows the age of the keys in use.
#[derive(Debug, Clone)]
pub(crate) struct KeyAge(Gauge);

impl KeyAge {
    /// Sets the age to `NaN`: no keys have no age.
    pub(crate) fn new() -> Self {
        let age = gauge!(KEYS_AGE);
        age.set(f64::NAN);
        Self(age)
    }

    pub(crate) fn set(&self, age: Duration) {
        self.0.set(age.as_secs_f64());
    }
}
