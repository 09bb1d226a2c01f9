//! Fetches a value once for all callers, and keeps it for as long as it may be used.

mod spawner;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

pub(crate) use spawner::Spawner;

/// A value with the times that bound its use.
#[derive(Debug)]
pub(crate) struct Timed<T> {
    pub(crate) value: T,
    /// No fetch is due before.
    pub(crate) fresh_until: Instant,
    /// The value is better than none until then.
    pub(crate) usable_until: Instant,
}

/// The error of a fetch, and when the next one is due.
#[derive(Debug)]
pub(crate) struct Failure<E> {
    pub(crate) error: Arc<E>,
    pub(crate) retry_at: Instant,
}

/// What a fetch yields.
pub(crate) type Fetched<T, E> = Result<Timed<T>, Failure<E>>;

/// A fetch under way, for any number of callers; `None` if it was cancelled or panicked. Cancel-safe.
pub(crate) type Flight<T, E> = Shared<BoxFuture<'static, Option<Result<T, Arc<E>>>>>;

/// A single flight that a caller may wait for.
pub(crate) enum Joined<T, E> {
    /// It began before the caller came.
    UnderWay(Flight<T, E>),
    /// The caller started it.
    Started(Flight<T, E>),
}

/// A value that is fetched again when it is due, by one fetch at a time.
///
/// A fetch runs in a task of its own: it goes on when its callers leave, and ends with the [`Spawner`]'s guard. Reading a
/// usable value takes no lock. Time is monotonic.
#[derive(Debug)]
pub(crate) struct Refreshing<T, E> {
    held: ArcSwapOption<Timed<T>>,
    state: Mutex<State<T, E>>,
    fetch_ended: Notify,
    spawner: Spawner,
}

#[derive(Debug)]
struct State<T, E> {
    /// Why the last fetch failed, if it did.
    failure: Option<Failure<E>>,
    flight: Option<Flight<T, E>>,
}

impl<T, E> Refreshing<T, E>
where
    T: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Holds no value yet.
    pub(crate) fn new(spawner: Spawner) -> Self {
        Self {
            held: ArcSwapOption::empty(),
            state: Mutex::new(State {
                failure: None,
                flight: None,
            }),
            fetch_ended: Notify::new(),
            spawner,
        }
    }

    /// The last value that was fetched, however old it is.
    pub(crate) fn held(&self) -> arc_swap::Guard<Option<Arc<Timed<T>>>> {
        self.held.load()
    }

    /// The last error, if no fetch succeeded since.
    pub(crate) fn error(&self) -> Option<Arc<E>> {
        let state = self.state.lock();
        state.failure.as_ref().map(|it| Arc::clone(&it.error))
    }

    /// The fetch under way.
    pub(crate) fn flight(&self) -> Option<Flight<T, E>> {
        self.state.lock().flight.clone()
    }

    /// When the next fetch is due; `None` before the end of the first.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        let state = self.state.lock();
        let retry_at = state.failure.as_ref().map(|it| it.retry_at);
        retry_at.or_else(|| self.held.load().as_ref().map(|it| it.fresh_until))
    }

    /// Ends when a fetch does, or has since the last call.
    pub(crate) async fn fetch_ended(&self) {
        self.fetch_ended.notified().await;
    }

    /// Drops the value if `is_wanted` refuses it.
    pub(crate) fn retain(&self, is_wanted: impl FnOnce(&T) -> bool) {
        let _state = self.state.lock();
        if self
            .held
            .load()
            .as_ref()
            .is_some_and(|it| !is_wanted(&it.value))
        {
            self.held.store(None);
        }
    }

    /// Gives the value: at once if it is fresh or no fetch may start, and from a fetch otherwise.
    ///
    /// With a usable value at hand, a caller waits for the fetch no longer than `wait_max`. No fetch may start before the
    /// last failure's `retry_at`, nor when `start` refuses. The error is `None` if the fetch ended without one.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        wait_max: Duration,
        start: impl FnOnce() -> Result<F, Arc<E>>,
    ) -> Result<T, Option<Arc<E>>>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        let now = Instant::now();
        if let Some(value) = self.fresh(now) {
            return Ok(value);
        }
        let joined = self.join_or_start(|failure| match (self.fresh(now), failure) {
            (Some(value), _) => Err(Ok(value)),
            (None, Some(it)) if now < it.retry_at => Err(Err(Arc::clone(&it.error))),
            (None, _) => start().map_err(Err),
        });
        let flight = match joined {
            Ok(Joined::UnderWay(flight) | Joined::Started(flight)) => flight,
            Err(Ok(value)) => return Ok(value),
            Err(Err(error)) => return self.usable(now).ok_or(Some(error)),
        };
        let outcome = match self.usable(now + wait_max) {
            // A timer that is due at once would still take a millisecond.
            Some(value) if wait_max.is_zero() => return Ok(value),
            Some(value) => timeout(wait_max, flight).await.unwrap_or(Some(Ok(value))),
            None => flight.await,
        };
        let error = match outcome {
            Some(Ok(value)) => return Ok(value),
            Some(Err(error)) => Some(error),
            None => None,
        };
        self.usable(Instant::now()).ok_or(error)
    }

    /// Joins the fetch under way; starts one if there is none and `start`, which gets the last failure, returns a fetch.
    pub(crate) fn join_or_start<F, R>(
        self: &Arc<Self>,
        start: impl FnOnce(Option<&Failure<E>>) -> Result<F, R>,
    ) -> Result<Joined<T, E>, R>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        // The fetch cannot end before it is noted, for that needs the lock.
        let mut state = self.state.lock();
        if let Some(flight) = &state.flight {
            return Ok(Joined::UnderWay(flight.clone()));
        }
        let fetch = start(state.failure.as_ref())?;
        let flight = self.spawner.spawn(Arc::clone(self).run(fetch));
        let flight = flight.boxed().shared();
        state.flight = Some(flight.clone());
        Ok(Joined::Started(flight))
    }

    async fn run<F>(self: Arc<Self>, fetch: F) -> Result<T, Arc<E>>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        let _end = FlightEnd(&self);
        let fetched = fetch.await;
        let mut state = self.state.lock();
        match fetched {
            Ok(timed) => {
                let value = timed.value.clone();
                self.held.store(Some(Arc::new(timed)));
                state.failure = None;
                Ok(value)
            }
            Err(failure) => {
                let error = Arc::clone(&failure.error);
                state.failure = Some(failure);
                Err(error)
            }
        }
    }

    fn fresh(&self, now: Instant) -> Option<T> {
        let held = self.held.load();
        let held = held.as_ref().filter(|it| now < it.fresh_until)?;
        Some(held.value.clone())
    }

    fn usable(&self, now: Instant) -> Option<T> {
        let held = self.held.load();
        let held = held.as_ref().filter(|it| now < it.usable_until)?;
        Some(held.value.clone())
    }
}

/// Forgets a flight when it ends, also if it is cancelled or panics.
struct FlightEnd<'flight, T, E>(&'flight Refreshing<T, E>);

impl<T, E> Drop for FlightEnd<'_, T, E> {
    fn drop(&mut self) {
        self.0.state.lock().flight = None;
        self.0.fetch_ended.notify_one();
    }
}

#[cfg(test)]
mod tests;
