//! Keeps new programs away from an API that refuses or fails again and again.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::{ApiError, RETRY_AFTER_MAX};

/// So many failures in a row open the breaker: fewer may be about single programs.
const FAILURES_MAX: u32 = 5;
/// How long it stays open if the API does not say how long.
const OPEN_TIME: Duration = Duration::from_secs(5);

/// Closed, or open until some time. After that, one more failure opens it again and one success closes it.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl CircuitBreaker {
    /// The API answered as it should.
    pub(super) fn record_success(&self) {
        *self.0.lock() = State::default();
    }

    /// Counts an error that tells something about the API.
    pub(super) fn record_failure(&self, error: &ApiError) {
        if !error.is_outage() {
            return;
        }
        let mut state = self.0.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES_MAX {
            let wait = error.retry_after().unwrap_or(OPEN_TIME);
            state.open_until = Some(Instant::now() + wait.min(RETRY_AFTER_MAX));
        }
    }

    /// How much longer it is open; `None` if it is closed.
    pub(super) fn open_for(&self) -> Option<Duration> {
        let until = self.0.lock().open_until?;
        let wait = until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overloaded(seconds: u64) -> ApiError {
        ApiError::Overloaded {
            retry_after: Some(Duration::from_secs(seconds)),
        }
    }

    fn breaker_after(failures: u32, error: &ApiError) -> CircuitBreaker {
        let breaker = CircuitBreaker::default();
        for _ in 0..failures {
            breaker.record_failure(error);
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_alone() {
        let breaker = breaker_after(FAILURES_MAX - 1, &overloaded(7));
        assert_eq!(breaker.open_for(), None);
        breaker.record_success();
        breaker.record_failure(&overloaded(7));
        assert_eq!(breaker.open_for(), None, "a success was between");
        for _ in 1..FAILURES_MAX {
            breaker.record_failure(&overloaded(7));
        }
        assert_eq!(breaker.open_for(), Some(Duration::from_secs(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_open_for_thirty_seconds_at_most() {
        let breaker = breaker_after(FAILURES_MAX, &overloaded(3600));
        assert_eq!(breaker.open_for(), Some(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(breaker.open_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_time_one_failure_opens_it_again() {
        let breaker = breaker_after(FAILURES_MAX, &overloaded(7));
        tokio::time::advance(Duration::from_secs(7)).await;
        breaker.record_failure(&ApiError::Unusable("x"));
        assert_eq!(breaker.open_for(), Some(OPEN_TIME));
        breaker.record_success();
        assert_eq!(breaker.open_for(), None);
    }

    #[tokio::test]
    async fn errors_about_one_program_do_not_count() {
        let breaker = breaker_after(FAILURES_MAX, &ApiError::Contradiction("x"));
        assert_eq!(breaker.open_for(), None);
    }
}
