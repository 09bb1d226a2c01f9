//! Keys that are published over HTTP.
//!
//! One task fetches them and keeps them fresh; verifications only read what it shows. Every rule here is about one of two
//! dangers: that a slow, broken or hostile publisher stops the service, and that hostile tokens make the service pester
//! the publisher. All times are of a monotonic clock: setting the clock of the machine does nothing to them. (While the
//! machine sleeps, that clock stands still.)

mod config;
mod fetch;
mod flights;
mod freshness;
mod jitter;
mod refresher;
mod unknown_keys;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::BackendError;
use tokio::runtime::{Handle, TryCurrentError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::{KeyId, KeySet, KeySource, KeysUnavailable};
use crate::config::Endpoint;
use fetch::{HttpKeyFetch, KeyFetch};
use flights::Flights;
use refresher::{Refresher, Shown};
use unknown_keys::UnknownKeys;

pub use config::{HttpKeysConfig, KeysUrlError, StaleKeyBound, StaleKeyBoundError};

/// Keys from a URL, kept fresh by a task of its own until the source is dropped.
///
/// - A set is fresh for as long as the answer's `Cache-Control` and `Age` say, but 5 min to 24 h; without them, 5 min.
///   It is fetched again at 75 to 80 % of that.
/// - When that fails, the old set stays in use until [`HttpKeysConfig::stale_bound`]; the next attempts follow after 1 s,
///   then ever later, up to 5 min (15 s while there is no usable set). No caller waits for them.
/// - A new set replaces the old one as a whole: a key that is not in it any more is dropped at once.
/// - A token that names an unknown key starts a fetch, at most once in 60 s whoever asks.
/// - All who wait for a fetch wait for the same one; that a caller goes away changes nothing for the others.
pub struct HttpKeySource {
    url: Endpoint,
    patience: Duration,
    shown: Arc<Shown>,
    flights: watch::Receiver<Flights>,
    wanted: watch::Sender<u64>,
    unknown: Mutex<UnknownKeys>,
    _refreshing: DropGuard,
}

impl HttpKeySource {
    /// Starts to fetch, on the present runtime, and does not wait for it.
    ///
    /// # Errors
    /// [`HttpKeysError::Client`]; [`HttpKeysError::NoRuntime`].
    pub fn start(config: HttpKeysConfig) -> Result<Self, HttpKeysError> {
        let fetch = HttpKeyFetch::new(&config).map_err(HttpKeysError::Client)?;
        let runtime = Handle::try_current().map_err(HttpKeysError::NoRuntime)?;
        Ok(Self::with_fetch(Box::new(fetch), config, &runtime))
    }

    fn with_fetch(fetch: Box<dyn KeyFetch>, config: HttpKeysConfig, runtime: &Handle) -> Self {
        let shown = Arc::new(Shown::default());
        let (flying, flights) = watch::channel(Flights::first(Instant::now()));
        let (wanted, wishes) = watch::channel(0);
        let refresher = Refresher {
            fetch,
            url: config.url.clone(),
            stale_bound: config.stale_bound,
            shown: Arc::clone(&shown),
            flights: flying,
            wanted: wishes,
            failures_in_a_row: 0,
        };
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let refreshing = stop.clone().run_until_cancelled_owned(refresher.run());
        tasks.spawn_on(refreshing, runtime);
        tasks.close();
        Self {
            url: config.url,
            patience: config.patience,
            shown,
            flights,
            wanted,
            unknown: Mutex::default(),
            _refreshing: stop.drop_guard(),
        }
    }

    /// What was fetched so far.
    #[must_use]
    pub fn statistics(&self) -> KeyCacheStatistics {
        let held = self.shown.held.load();
        KeyCacheStatistics {
            fetches: self.shown.fetches.load(Ordering::Relaxed),
            failures: self.shown.failures.load(Ordering::Relaxed),
            age: held.as_ref().map(|it| it.fetched_at.elapsed()),
        }
    }

    /// The usable set, if there is one before this time.
    async fn current_by(&self, deadline: Instant) -> Result<Arc<KeySet>, KeysUnavailable> {
        if let Some(keys) = self.usable() {
            return Ok(keys);
        }
        // Whoever reads the number first could miss the end of that very fetch.
        let flights = self.flights.clone();
        let under_way = flights.borrow().started;
        ended(flights, under_way, deadline).await;
        self.usable().ok_or_else(|| self.unavailable())
    }

    /// Asks for newer keys, if that may be done now, and waits for them.
    async fn look(&self, deadline: Instant) -> Look {
        let flights = self.flights.clone();
        let Promise { before, goal, done } = self.promise(&flights);
        if goal <= before {
            return Look::NotDue;
        }
        self.wanted.send_if_modified(|wanted| {
            let is_new = goal > *wanted;
            *wanted = goal.max(*wanted);
            is_new
        });
        if ended(flights, goal, deadline).await {
            done
        } else {
            Look::TooSlow
        }
    }

    /// The fetch to wait for: the one that is under way, or another one if that is due.
    fn promise(&self, flights: &watch::Receiver<Flights>) -> Promise {
        let mut unknown = self.unknown();
        let flights = flights.borrow();
        let before = flights.ended;
        if flights.is_under_way() {
            let goal = flights.started;
            let done = Look::Joined;
            return Promise { before, goal, done };
        }
        let goal = unknown.promise(before, Instant::now());
        let done = Look::Done;
        Promise { before, goal, done }
    }

    fn lacks(&self, kid: &KeyId) -> bool {
        self.usable().is_none_or(|keys| keys.get(kid).is_none())
    }

    fn usable(&self) -> Option<Arc<KeySet>> {
        self.shown.usable(Instant::now())
    }

    fn unknown(&self) -> MutexGuard<'_, UnknownKeys> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unavailable(&self) -> KeysUnavailable {
        let flights = self.flights.borrow();
        KeysUnavailable {
            retry_after: flights.retry_after(Instant::now()),
            source: cause(&flights),
        }
    }

    /// Says that nobody knows whether there is such a key; that may be asked again at the next look at the latest.
    fn unsure(&self) -> KeysUnavailable {
        let next_look_at = self.unknown().next_look_at();
        let mut flights = self.flights.borrow().clone();
        flights.next_at = next_look_at.map_or(flights.next_at, |at| at.min(flights.next_at));
        KeysUnavailable {
            retry_after: flights.retry_after(Instant::now()),
            source: cause(&flights),
        }
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn current(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        self.current_by(Instant::now() + self.patience).await
    }

    async fn look_for(&self, kid: &KeyId) -> Result<Arc<KeySet>, KeysUnavailable> {
        let deadline = Instant::now() + self.patience;
        let keys = self.current_by(deadline).await?;
        if keys.get(kid).is_some() || self.unknown().is_missing(kid, Instant::now()) {
            return Ok(keys);
        }
        let began = Instant::now();
        let mut look = self.look(deadline).await;
        if matches!(look, Look::Joined) && self.lacks(kid) {
            look = self.look(deadline).await;
        }
        let keys = self.usable().ok_or_else(|| self.unavailable())?;
        if keys.get(kid).is_some() {
            return Ok(keys);
        }
        let has_failed = self.flights.borrow().failure.is_some();
        match look {
            Look::TooSlow => Err(self.unsure()),
            Look::Done | Look::Joined | Look::NotDue if has_failed => Err(self.unsure()),
            Look::Done => {
                self.unknown().remember_missing(kid, began);
                Ok(keys)
            }
            Look::Joined | Look::NotDue => Ok(keys),
        }
    }
}

impl fmt::Debug for HttpKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpKeySource")
            .field("url", &self.url.as_str())
            .field("held", &self.shown.held.load())
            .finish_non_exhaustive()
    }
}

/// What a look waits for.
struct Promise {
    /// The last fetch that has ended.
    before: u64,
    /// The one to wait for; one that has ended where none is due.
    goal: u64,
    /// What the look is when that has ended.
    done: Look,
}

/// How a look for newer keys went.
enum Look {
    /// It is too soon after the last one.
    NotDue,
    /// A fetch ended, well or not, which had begun before: what it brought may be older than the question.
    Joined,
    /// A fetch ended, well or not.
    Done,
    /// It is still under way.
    TooSlow,
}

/// Waits until this fetch has ended, but not for ever; tells whether it has.
async fn ended(mut flights: watch::Receiver<Flights>, number: u64, deadline: Instant) -> bool {
    let end = flights.wait_for(|flights| flights.ended >= number);
    timeout_at(deadline, end).await.is_ok_and(|end| end.is_ok())
}

fn cause(flights: &Flights) -> BackendError {
    match &flights.failure {
        Some(error) => Box::new(Arc::clone(error)),
        None => "the keys have not come yet".into(),
    }
}

/// What a source has fetched so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCacheStatistics {
    /// Fetches that ended, whether well or not.
    pub fetches: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// How long ago the set in use was fetched; `None` if there never was one. It may be too old to be usable.
    pub age: Option<Duration>,
}

/// Says why no keys can be fetched at all.
#[derive(Debug, thiserror::Error)]
pub enum HttpKeysError {
    /// There is no HTTP client.
    #[error("the HTTP client for signing keys cannot be made")]
    Client(#[source] reqwest::Error),
    /// It was started outside of a tokio runtime.
    #[error("signing keys can be fetched only within a tokio runtime")]
    NoRuntime(#[source] TryCurrentError),
}

#[cfg(test)]
mod tests;
