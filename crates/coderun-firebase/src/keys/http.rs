//! Fetches signing keys over HTTP and keeps them fresh.
//!
//! One task fetches them when that is due; verifications only read what it holds. Every rule here is about one of two
//! dangers: that a slow, broken or hostile publisher stops the service, and that hostile tokens make the service flood
//! the publisher. All times are of a monotonic clock: setting the clock of the machine does nothing to them. (While the
//! machine sleeps, that clock stands still.)

mod config;
mod fetch;
mod freshness;
mod refresher;
mod unknown_keys;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{BackendError, VerifyError};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::DropGuard;

use super::{KeySet, KeySource};
use crate::config::KeyId;
use crate::metrics::{KEY_FETCHES, KeyAge, ResultCounter};
use crate::refreshing::{Joined, Refreshing, Spawner};
use crate::start_error::StartError;
use fetch::{HttpKeyFetch, KeyFetch};
use refresher::KeyRefresher;
use unknown_keys::UnknownKeys;

pub use config::{HttpKeysConfig, KeysUrlError};

/// The least time after which a caller is told to ask again.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// Keys from a URL, kept fresh by a task of its own until the source is dropped.
///
/// - A set is fresh for as long as the answer's `Cache-Control` and `Age` say, but 5 min to 24 h; without them, 5 min.
///   It is fetched again at 75 to 80 % of that.
/// - When that fails, the old set stays in use until [`HttpKeysConfig::stale_bound`]; the next attempt follows after 1 to
///   2 s, the others after pauses that double, up to 5 min (15 s while there is no usable set). No caller waits for them.
/// - A new set replaces the old one as a whole: a key that is not in it any more is dropped at once.
/// - A token that names an unknown key starts a fetch, at most once in 60 s for all callers together.
/// - All callers wait for the same fetch; it goes on when they leave.
#[derive(Debug)]
pub struct HttpKeySource {
    wait_max: Duration,
    refresher: Arc<KeyRefresher>,
    unknown: Mutex<UnknownKeys>,
    age: KeyAge,
    _cancel_tasks: DropGuard,
}

impl HttpKeySource {
    /// Starts to fetch, on the current runtime, and does not wait for it.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(config: HttpKeysConfig) -> Result<Self, StartError> {
        let fetch = HttpKeyFetch::new(&config)?;
        Self::with_fetch(Box::new(fetch), config)
    }

    fn with_fetch(fetch: Box<dyn KeyFetch>, config: HttpKeysConfig) -> Result<Self, StartError> {
        let (spawner, cancel_tasks) = Spawner::on_current_runtime()?;
        let refresher = Arc::new(KeyRefresher {
            fetch,
            url: config.url,
            stale_bound: config.stale_bound,
            keys: Arc::new(Refreshing::new(spawner.clone())),
            failures_in_a_row: AtomicU32::new(0),
            fetch_counter: ResultCounter::new(KEY_FETCHES, ["ok", "failed"]),
        });
        // Here already, so that the first callers find a fetch to wait for.
        drop(refresher.join_or_start());
        drop(spawner.spawn(Arc::clone(&refresher).run()));
        Ok(Self {
            wait_max: config.wait_max,
            refresher,
            unknown: Mutex::default(),
            age: KeyAge::new(),
            _cancel_tasks: cancel_tasks,
        })
    }

    /// The usable set, if there is one before the deadline.
    async fn current_by(&self, deadline: Instant) -> Result<Arc<KeySet>, VerifyError> {
        if let Some(keys) = self.usable() {
            return Ok(keys);
        }
        if let Some(flight) = self.refresher.keys.flight() {
            timeout_at(deadline, flight).await.ok();
        }
        self.usable().ok_or_else(|| self.unavailable(None))
    }

    /// Fetches newer keys, if that may be done now, and waits for them.
    async fn look_for_newer(&self, deadline: Instant) -> LookupResult {
        let joined = self.refresher.keys.join_or_start(|_| {
            let may_look = self.unknown.lock().start_lookup(Instant::now());
            may_look
                .then(|| Arc::clone(&self.refresher).fetch())
                .ok_or(LookupResult::NotDue)
        });
        let (flight, result) = match joined {
            Ok(Joined::UnderWay(flight)) => (flight, LookupResult::Joined),
            Ok(Joined::Started(flight)) => (flight, LookupResult::Done),
            Err(not_due) => return not_due,
        };
        match timeout_at(deadline, flight).await {
            Ok(_) => result,
            Err(_) => LookupResult::TimedOut,
        }
    }

    fn lacks(&self, kid: &KeyId) -> bool {
        self.usable().is_none_or(|keys| keys.get(kid).is_none())
    }

    fn usable(&self) -> Option<Arc<KeySet>> {
        let now = Instant::now();
        let held = self.refresher.keys.held();
        let held = held.as_ref()?;
        self.age
            .set(now.saturating_duration_since(held.value.fetched_at));
        (now < held.usable_until).then(|| Arc::clone(&held.value.keys))
    }

    /// The error for callers; it says to ask again at the next fetch, or at the next lookup of an unknown key.
    fn unavailable(&self, next_lookup_at: Option<Instant>) -> VerifyError {
        let keys = &self.refresher.keys;
        let next_at = match (keys.flight(), keys.due_at()) {
            (None, Some(due_at)) => Some(next_lookup_at.map_or(due_at, |at| at.min(due_at))),
            (Some(_), _) | (None, None) => None,
        };
        let wait = next_at.map(|at| at.saturating_duration_since(Instant::now()));
        VerifyError::KeysUnavailable {
            retry_after: wait.unwrap_or_default().max(RETRY_AFTER_MIN),
            source: match keys.error() {
                Some(error) => BackendError::from(error),
                None => "the keys have not come yet".into(),
            },
        }
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn current(&self) -> Result<Arc<KeySet>, VerifyError> {
        self.current_by(Instant::now() + self.wait_max).await
    }

    async fn look_for(&self, kid: &KeyId) -> Result<Arc<KeySet>, VerifyError> {
        let deadline = Instant::now() + self.wait_max;
        let keys = self.current_by(deadline).await?;
        if keys.get(kid).is_some() || self.unknown.lock().is_missing(kid, Instant::now()) {
            return Ok(keys);
        }
        let began = Instant::now();
        let mut result = self.look_for_newer(deadline).await;
        if matches!(result, LookupResult::Joined) && self.lacks(kid) {
            result = self.look_for_newer(deadline).await;
        }
        let keys = self.usable().ok_or_else(|| self.unavailable(None))?;
        if keys.get(kid).is_some() {
            return Ok(keys);
        }
        let has_failed = self.refresher.keys.error().is_some();
        match result {
            LookupResult::Done if !has_failed => {
                self.unknown.lock().remember_missing(kid, began);
                Ok(keys)
            }
            LookupResult::Joined | LookupResult::NotDue if !has_failed => Ok(keys),
            LookupResult::Done
            | LookupResult::Joined
            | LookupResult::NotDue
            | LookupResult::TimedOut => {
                let next_lookup_at = self.unknown.lock().next_lookup_at();
                Err(self.unavailable(next_lookup_at))
            }
        }
    }
}

/// The result of a lookup of newer keys.
enum LookupResult {
    /// It is too soon after the last one.
    NotDue,
    /// A fetch ended, well or not, that had begun before: its answer may be older than the question.
    Joined,
    /// A fetch ended, well or not.
    Done,
    /// The fetch is still under way.
    TimedOut,
}

#[cfg(test)]
mod tests;
