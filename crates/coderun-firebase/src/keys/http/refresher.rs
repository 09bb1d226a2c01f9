//! Fetches the key set before it grows old, and backs off after failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use coderun_domain::ErrorChain;
use tokio::time::{Instant, sleep, timeout_at};

use super::fetch::{FetchError, FetchedKeys, KeyFetch};
use crate::config::{Endpoint, StaleKeyBound};
use crate::keys::KeySet;
use crate::metrics::ResultCounter;
use crate::refreshing::{Failure, Fetched, Flight, Joined, Refreshing, Timed};

/// Pauses after failures begin with this, and double.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// The longest pause while there is no usable set: every token waits for it.
const BACKOFF_MAX_WITHOUT_KEYS: Duration = Duration::from_secs(15);

/// A set of keys, and when it was asked for.
#[derive(Debug, Clone)]
pub(super) struct HeldKeys {
    pub(super) keys: Arc<KeySet>,
    pub(super) fetched_at: Instant,
}

/// Keeps a key set fresh.
#[derive(Debug)]
pub(super) struct KeyRefresher {
    pub(super) fetch: Box<dyn KeyFetch>,
    pub(super) url: Endpoint,
    pub(super) stale_bound: StaleKeyBound,
    pub(super) keys: Arc<Refreshing<HeldKeys, FetchError>>,
    /// Scheduled attempts that failed since the last success.
    pub(super) failures_in_a_row: AtomicU32,
    pub(super) fetch_counter: ResultCounter,
}

impl KeyRefresher {
    /// Fetches whenever that is due, without an end.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            match self.keys.due_at() {
                Some(due_at) if Instant::now() < due_at => {
                    // A fetch that a caller asked for moves the time at which the next one is due.
                    timeout_at(due_at, self.keys.fetch_ended()).await.ok();
                }
                Some(_) | None => {
                    if self.join_or_start().await.is_none() {
                        sleep(BACKOFF_MIN).await;
                    }
                }
            }
        }
    }

    /// The fetch under way, or a new one.
    pub(super) fn join_or_start(self: &Arc<Self>) -> Flight<HeldKeys, FetchError> {
        let start = |_: Option<&_>| Ok::<_, std::convert::Infallible>(Arc::clone(self).fetch());
        let Ok(Joined::UnderWay(flight) | Joined::Started(flight)) = self.keys.join_or_start(start);
        flight
    }

    /// Makes one attempt.
    pub(super) async fn fetch(self: Arc<Self>) -> Fetched<HeldKeys, FetchError> {
        let started_at = Instant::now();
        let result = self.fetch.fetch().await;
        self.fetch_counter.count(result.is_ok());
        match result {
            Ok(fetched) => Ok(self.succeed(fetched, started_at)),
            Err(error) => Err(self.fail(error)),
        }
    }

    fn succeed(&self, fetched: FetchedKeys, started_at: Instant) -> Timed<HeldKeys> {
        let FetchedKeys { keys, fresh_for } = fetched;
        self.failures_in_a_row.store(0, Ordering::Relaxed);
        tracing::debug!(url = %self.url, keys = keys.count(), fresh_for_s = fresh_for.as_secs(), "signing keys fetched");
        Timed {
            value: HeldKeys {
                keys: Arc::new(keys),
                fetched_at: started_at,
            },
            // The jitter keeps processes that started together from fetching together.
            fresh_until: started_at + fresh_for.mul_f64(0.8 - 0.05 * fastrand::f64()),
            usable_until: started_at + fresh_for.max(self.stale_bound.as_duration()),
        }
    }

    fn fail(&self, error: FetchError) -> Failure<FetchError> {
        let now = Instant::now();
        let retry_at = self.next_attempt(now);
        let wait = retry_at.saturating_duration_since(now);
        tracing::warn!(
            url = %self.url,
            error = %ErrorChain(&error),
            retry_after_s = wait.as_secs(),
            "cannot fetch the signing keys"
        );
        Failure {
            error: Arc::new(error),
            retry_at,
        }
    }

    fn next_attempt(&self, now: Instant) -> Instant {
        let held = self.keys.held();
        let usable_until = held.as_ref().map(|it| it.usable_until);
        let usable_until = usable_until.filter(|until| now < *until);
        let max = match (usable_until, self.keys.due_at()) {
            // A caller asked for this fetch before it was due: what was due still is.
            (Some(_), Some(due_at)) if now < due_at => return due_at,
            (Some(_), _) => BACKOFF_MAX,
            (None, _) => BACKOFF_MAX_WITHOUT_KEYS,
        };
        let next_at = now + self.backoff(max);
        usable_until.map_or(next_at, |until| next_at.min(until))
    }

    /// The pause after one more failure; the jitter at most doubles it, up to `max`.
    fn backoff(&self, max: Duration) -> Duration {
        let failures = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed);
        let mut pauses = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(BACKOFF_MIN)
            .with_max_delay(max / 2)
            .without_max_times()
            .build();
        // More failures change nothing: the longest pause comes before.
        pauses.nth(failures.min(16) as usize).unwrap_or(max)
    }
}
