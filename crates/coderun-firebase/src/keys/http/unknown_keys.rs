//! What is remembered of keys that tokens named and that are in no set.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::keys::KeyId;

/// However many unknown keys are named, newer keys are asked for once in this time.
const LOOK_INTERVAL: Duration = Duration::from_mins(1);

/// A key that was looked for in vain is not looked for again for so long. Not for longer: a publisher's own caches may
/// show a new key late.
const MISSING_FOR: Duration = LOOK_INTERVAL;

/// So many missing keys are remembered; the oldest goes first.
const MISSING_MAX: usize = 256;

/// Decides whether newer keys are asked for.
#[derive(Debug, Default)]
pub(super) struct UnknownKeys {
    looked_at: Option<Instant>,
    /// The fetch that the last look waits for or waited for.
    promised: u64,
    /// When each was found missing.
    missing: HashMap<KeyId, Instant>,
}

impl UnknownKeys {
    /// Whether this key was looked for in vain lately.
    pub(super) fn is_missing(&self, kid: &KeyId, now: Instant) -> bool {
        let found_at = self.missing.get(kid);
        found_at.is_some_and(|at| now < *at + MISSING_FOR)
    }

    /// Remembers that a key was looked for in vain.
    pub(super) fn remember_missing(&mut self, kid: &KeyId, now: Instant) {
        if self.missing.len() >= MISSING_MAX {
            let oldest = self.missing.iter().min_by_key(|(_, at)| **at);
            if let Some(kid) = oldest.map(|(kid, _)| kid.clone()) {
                self.missing.remove(&kid);
            }
        }
        self.missing.insert(kid.clone(), now);
    }

    /// Asks for a fetch after the last one, which ended, if it is time; answers the last fetch that was promised.
    pub(super) fn promise(&mut self, ended: u64, now: Instant) -> u64 {
        let is_promised = self.promised > ended;
        if !is_promised && self.next_look_at().is_none_or(|at| at <= now) {
            self.looked_at = Some(now);
            self.promised = ended + 1;
        }
        self.promised
    }

    /// When newer keys may be asked for again; `None` if they never were.
    pub(super) fn next_look_at(&self) -> Option<Instant> {
        self.looked_at.map(|at| at + LOOK_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kid(number: usize) -> KeyId {
        KeyId::parse(number.to_string()).unwrap()
    }

    #[test]
    fn so_many_missing_keys_are_remembered_and_the_oldest_goes_first() {
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
    fn a_fetch_that_was_promised_is_promised_to_all_until_it_ends() {
        let mut unknown = UnknownKeys::default();
        let now = Instant::now();
        assert_eq!(unknown.promise(7, now), 8);
        assert_eq!(unknown.promise(7, now), 8);
        assert_eq!(unknown.promise(8, now), 8, "not again so soon");
        assert_eq!(unknown.promise(8, now + LOOK_INTERVAL), 9);
    }
}
