//! Limits lookups of keys that tokens name and that are in no set.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::KeyId;

/// The shortest time between two fetches for unknown keys, for all tokens together.
const LOOKUP_INTERVAL: Duration = Duration::from_mins(1);

/// How long a missing key is not looked up again. Not longer, because a publisher's caches may show a new key late.
const MISSING_FOR: Duration = LOOKUP_INTERVAL;

/// The greatest number of missing keys that are kept; the oldest is dropped first.
const MISSING_MAX: usize = 256;

/// Decides whether newer keys are fetched.
#[derive(Debug, Default)]
pub(super) struct UnknownKeys {
    looked_up_at: Option<Instant>,
    /// When each was found missing.
    missing: HashMap<KeyId, Instant>,
}

impl UnknownKeys {
    /// Whether this key was missing lately.
    pub(super) fn is_missing(&self, kid: &KeyId, now: Instant) -> bool {
        let found_at = self.missing.get(kid);
        found_at.is_some_and(|at| now < *at + MISSING_FOR)
    }

    /// Remembers that a key is missing.
    pub(super) fn remember_missing(&mut self, kid: &KeyId, now: Instant) {
        if self.missing.len() >= MISSING_MAX {
            let oldest = self.missing.iter().min_by_key(|(_, at)| **at);
            if let Some(kid) = oldest.map(|(kid, _)| kid.clone()) {
                self.missing.remove(&kid);
            }
        }
        self.missing.insert(kid.clone(), now);
    }

    /// Whether newer keys may be fetched now; if so, they may be again only after [`LOOKUP_INTERVAL`].
    pub(super) fn start_lookup(&mut self, now: Instant) -> bool {
        let is_due = self.next_lookup_at().is_none_or(|at| at <= now);
        if is_due {
            self.looked_up_at = Some(now);
        }
        is_due
    }

    /// When newer keys may be fetched again; `None` if they never were.
    pub(super) fn next_lookup_at(&self) -> Option<Instant> {
        self.looked_up_at.map(|at| at + LOOKUP_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kid(number: usize) -> KeyId {
        KeyId::parse(number.to_string()).unwrap()
    }

    #[test]
    fn missing_keys_are_bounded_and_the_oldest_is_dropped_first() {
        let mut unknown = UnknownKeys::default();
        let start = Instant::now();
        let at = |number: usize| start + Duration::from_millis(number as u64);
        for number in 0..MISSING_MAX + 10 {
            unknown.remember_missing(&kid(number), at(number));
        }
        assert_eq!(unknown.missing.len(), MISSING_MAX);
        let now = at(MISSING_MAX + 10);
        assert!(!unknown.is_missing(&kid(9), now));
        assert!(unknown.is_missing(&kid(10), now));
        assert!(unknown.is_missing(&kid(MISSING_MAX + 9), now));
    }

    #[test]
    fn newer_keys_are_fetched_once_in_each_interval() {
        let mut unknown = UnknownKeys::default();
        let now = Instant::now();
        assert!(unknown.start_lookup(now));
        let end = now + LOOKUP_INTERVAL;
        assert!(!unknown.start_lookup(end - Duration::from_nanos(1)));
        assert!(unknown.start_lookup(end));
    }
}
