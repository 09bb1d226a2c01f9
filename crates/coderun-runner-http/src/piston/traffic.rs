//! How much goes to Piston at a time, and when nothing should.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::failure::Failure;

/// The places of one Piston, and how long it does not want to be asked.
#[derive(Debug)]
pub(super) struct Traffic {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    busy_until: Option<Instant>,
    /// Until when places are kept for programs that were lost; never more than there are places.
    lost_until: Vec<Instant>,
}

/// A place; free again when this is dropped: after what ran in it is certainly over.
#[derive(Debug)]
pub(super) struct Place {
    traffic: Arc<Traffic>,
    lost_until: Option<Instant>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// Keeps the place for a program that was lost, until it must have ended.
    pub(super) async fn keep_until(mut self, until: Instant) {
        self.lost_until = Some(until);
        self.traffic.lock().lost_until.push(until);
        sleep_until(until).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(until) = self.lost_until {
            let mut state = self.traffic.lock();
            let found = state.lost_until.iter().position(|it| *it == until);
            if let Some(at) = found {
                state.lost_until.swap_remove(at);
            }
        }
    }
}

impl Traffic {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            state: Mutex::default(),
        })
    }

    /// Waits until Piston may be asked and there is a place, but no longer than this. Cancel-safe.
    pub(super) async fn place(self: &Arc<Self>, deadline: Instant) -> Result<Place, Failure> {
        loop {
            if let Some(wait) = self.busy_for() {
                let until = Instant::now() + wait;
                if until > deadline {
                    let retry_after = Some(wait);
                    return Err(Failure::Busy { retry_after });
                }
                sleep_until(until).await;
                continue;
            }
            let permit = timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await;
            let permit = permit.ok().and_then(Result::ok);
            let permit = permit.ok_or(Failure::Busy { retry_after: None })?;
            // Somebody may have learned meanwhile that it is busy.
            if self.busy_for().is_none() {
                return Ok(self.occupy(permit));
            }
        }
    }

    /// Takes a place if one is free now.
    pub(super) fn try_place(self: &Arc<Self>) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(self.occupy(permit))
    }

    fn occupy(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        Place {
            traffic: Arc::clone(self),
            lost_until: None,
            _permit: permit,
        }
    }

    /// How much longer nothing should be taken on: Piston does not want to be asked, or no place is free and some are kept
    /// for programs that were lost.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        self.busy_for().or_else(|| {
            let is_full = self.places.available_permits() == 0;
            let until = self.lock().lost_until.iter().min().copied();
            let wait = until?.saturating_duration_since(Instant::now());
            (is_full && !wait.is_zero()).then_some(wait)
        })
    }

    /// How much longer Piston does not want to be asked.
    pub(super) fn busy_for(&self) -> Option<Duration> {
        let until = self.lock().busy_until;
        let wait = until?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    /// Piston does not want to be asked for so long.
    pub(super) fn note_busy(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        state.busy_until = state.busy_until.max(Some(until));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_until_the_deadline() {
        let traffic = Traffic::new(1);
        let taken = traffic.place(soon()).await.unwrap();
        let refused = traffic.place(soon()).await;
        assert_eq!(refused.unwrap_err(), Failure::Busy { retry_after: None });
        assert!(traffic.try_place().is_none());
        drop(taken);
        assert!(traffic.place(soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn places_of_lost_programs_close_it_where_no_other_is_free() {
        let traffic = Traffic::new(2);
        let lost = traffic.place(soon()).await.unwrap();
        let until = Instant::now() + Duration::from_secs(9);
        let keeping = tokio::join!(lost.keep_until(until), async {
            tokio::task::yield_now().await;
            assert_eq!(traffic.closed_for(), None, "one place is free");
            let taken = traffic.place(soon()).await.unwrap();
            assert_eq!(traffic.closed_for(), Some(Duration::from_secs(9)));
            drop(taken);
        });
        let ((), ()) = keeping;
        let all = [traffic.try_place(), traffic.try_place()];
        assert!(all.iter().all(Option::is_some));
        assert_eq!(traffic.closed_for(), None, "nothing is lost any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_piston_is_left_alone_until_it_may_be_asked() {
        let traffic = Traffic::new(1);
        traffic.note_busy(Duration::from_secs(7));
        traffic.note_busy(Duration::from_secs(1));
        let begun = Instant::now();
        assert!(traffic.place(soon()).await.is_ok());
        assert!(begun.elapsed() >= Duration::from_secs(7));
        assert_eq!(traffic.busy_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_wait_for_so_long_hears_of_it_at_once() {
        let traffic = Traffic::new(1);
        traffic.note_busy(Duration::from_secs(11));
        let begun = Instant::now();
        let retry_after = Some(Duration::from_secs(11));
        let refused = traffic.place(soon()).await.unwrap_err();
        assert_eq!(refused, Failure::Busy { retry_after });
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
