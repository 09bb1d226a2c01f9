//! How much goes to Piston at a time, and when nothing should.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::failure::Failure;

/// The places of one Piston, and how long it does not want to be asked.
#[derive(Debug)]
pub(super) struct Traffic {
    places: Arc<Semaphore>,
    busy_until: Mutex<Option<Instant>>,
}

/// A place; free again when this is dropped: after what ran in it is certainly over.
pub(super) type Place = OwnedSemaphorePermit;

impl Traffic {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            busy_until: Mutex::new(None),
        }
    }

    /// Waits until Piston may be asked and there is a place, but no longer than this. Cancel-safe.
    pub(super) async fn place(&self, deadline: Instant) -> Result<Place, Failure> {
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
            let place = timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await;
            let place = place.ok().and_then(Result::ok);
            let place = place.ok_or(Failure::Busy { retry_after: None })?;
            // Somebody may have learned meanwhile that it is busy.
            if self.busy_for().is_none() {
                return Ok(place);
            }
        }
    }

    /// Takes a place if one is free now.
    pub(super) fn try_place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// How much longer Piston does not want to be asked.
    pub(super) fn busy_for(&self) -> Option<Duration> {
        let until = *self.lock();
        let wait = until?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }

    /// Piston does not want to be asked for so long.
    pub(super) fn note_busy(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut busy_until = self.lock();
        *busy_until = (*busy_until).max(Some(until));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.busy_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
