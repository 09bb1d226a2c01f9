//! The one task that fetches, so that no two fetches are ever under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use coderun_domain::ErrorChain;
use tokio::sync::watch;
use tokio::time::Instant;

use super::config::StaleKeyBound;
use super::fetch::{FetchError, FetchedKeys, KeyFetch};
use super::flights::Flights;
use super::jitter::up_to;
use crate::config::Endpoint;
use crate::counters::KeyCounters;
use crate::keys::KeySet;

/// Pauses after failures begin with this and double.
const BACK_OFF_MIN: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const BACK_OFF_MAX: Duration = Duration::from_mins(5);

/// The longest pause while there is nothing to verify with: every token waits for it.
const BACK_OFF_MAX_WITHOUT_KEYS: Duration = Duration::from_secs(15);

/// A set of keys and its times.
#[derive(Debug)]
pub(super) struct HeldKeys {
    pub(super) keys: Arc<KeySet>,
    pub(super) fetched_at: Instant,
    /// They are in use until then.
    pub(super) usable_until: Instant,
}

/// What the task shows to everybody, readable without a lock.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) held: ArcSwapOption<HeldKeys>,
    pub(super) fetches: AtomicU64,
    pub(super) failures: AtomicU64,
    counters: KeyCounters,
}

impl Shown {
    /// The keys to verify with at this time.
    pub(super) fn usable(&self, now: Instant) -> Option<Arc<KeySet>> {
        let held = self.held.load();
        let held = held.as_ref()?;
        let age = now.saturating_duration_since(held.fetched_at);
        self.counters.used_at_age(age);
        (now < held.usable_until).then(|| Arc::clone(&held.keys))
    }
}

/// Keeps the keys fresh.
#[derive(Debug)]
pub(super) struct Refresher {
    pub(super) fetch: Box<dyn KeyFetch>,
    pub(super) url: Endpoint,
    pub(super) stale_bound: StaleKeyBound,
    pub(super) shown: Arc<Shown>,
    pub(super) flights: watch::Sender<Flights>,
    /// The number of the fetch that somebody waits for.
    pub(super) wanted: watch::Receiver<u64>,
    /// Scheduled attempts that failed since the last success.
    pub(super) failures_in_a_row: u32,
}

impl Refresher {
    /// Fetches at once, then when the keys grow old or somebody asks, until the source is gone.
    pub(super) async fn run(mut self) {
        loop {
            let started_at = Instant::now();
            let result = self.fetch.fetch().await;
            self.shown.counters.fetched(&result);
            let (next_at, failure) = match result {
                Ok(fetched) => (self.succeed(fetched, started_at), None),
                Err(error) => (self.fail(&error), Some(Arc::new(error))),
            };
            self.flights.send_modify(|flights| {
                flights.ended = flights.started;
                flights.failure = failure;
                flights.next_at = next_at;
            });
            if self.pause(next_at).await.is_err() {
                return;
            }
            self.flights.send_modify(|flights| flights.started += 1);
        }
    }

    /// Puts a new set in place of the old one, as a whole; answers when the next one is due.
    fn succeed(&mut self, fetched: FetchedKeys, started_at: Instant) -> Instant {
        let FetchedKeys { keys, fresh_for } = fetched;
        self.failures_in_a_row = 0;
        self.shown.fetches.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(url = %self.url, keys = keys.count(), fresh_for_s = fresh_for.as_secs(), "signing keys fetched");
        let in_use_for = fresh_for.max(self.stale_bound.as_duration());
        self.shown.held.store(Some(Arc::new(HeldKeys {
            keys: Arc::new(keys),
            fetched_at: started_at,
            usable_until: started_at + in_use_for,
        })));
        // At 80 % of the time, and a little before, lest all processes come at once.
        started_at + fresh_for * 8 / 10 - up_to(fresh_for / 20)
    }

    /// Leaves the old set where it is; answers when the next attempt is due.
    fn fail(&mut self, error: &FetchError) -> Instant {
        self.shown.fetches.fetch_add(1, Ordering::Relaxed);
        self.shown.failures.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let next_at = self.next_attempt(now);
        let wait = next_at.saturating_duration_since(now);
        tracing::warn!(
            url = %self.url,
            error = %ErrorChain(error),
            retry_after_s = wait.as_secs(),
            "signing keys not fetched"
        );
        next_at
    }

    fn next_attempt(&mut self, now: Instant) -> Instant {
        let scheduled = self.flights.borrow().next_at;
        let usable_until = self.usable_until(now);
        if usable_until.is_some() && now < scheduled {
            // Somebody asked for this fetch before it was due: what was due still is.
            return scheduled;
        }
        let doubled = BACK_OFF_MIN * 2_u32.saturating_pow(self.failures_in_a_row);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1).min(16);
        let most = match usable_until {
            Some(_) => BACK_OFF_MAX,
            None => BACK_OFF_MAX_WITHOUT_KEYS,
        };
        let pause = doubled.min(most);
        let next_at = now + pause - up_to(pause.saturating_sub(BACK_OFF_MIN)) / 4;
        usable_until.map_or(next_at, |until| next_at.min(until))
    }

    fn usable_until(&self, now: Instant) -> Option<Instant> {
        let held = self.shown.held.load();
        let until = held.as_ref()?.usable_until;
        (now < until).then_some(until)
    }

    /// Waits until the next attempt is due or wanted; an error means that nobody can want one any more.
    async fn pause(&mut self, until: Instant) -> Result<(), watch::error::RecvError> {
        let ended = self.flights.borrow().ended;
        let wanted = self.wanted.wait_for(|number| *number > ended);
        match tokio::time::timeout_at(until, wanted).await {
            Ok(result) => result.map(drop),
            Err(_) => Ok(()),
        }
    }
}
