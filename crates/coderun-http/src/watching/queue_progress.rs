//! Follows the queue position of a pending execution and estimates its start.

use std::time::Duration;

use coderun_domain::Execution;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::message::{EncodedMessage, FeedError};
use crate::state::AppState;
use crate::wire::ServerMessage;

/// A pending execution and its progress in the queue.
#[derive(Debug)]
pub(super) struct QueueProgress {
    execution: Box<Execution>,
    /// Whether a watcher understands queue positions. Otherwise they are not read.
    is_wanted: bool,
    /// When the position is read next; `None` is at once.
    next_read: Option<Instant>,
    /// The position and time that progress is measured from: the last time the position was this high.
    origin: Option<(u64, Instant)>,
    reported: Option<u64>,
}

/// A changed queue position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct QueueUpdate {
    /// The position, from 1.
    position: u64,
    /// The time until the estimated start; `None` before the position has fallen.
    estimated_start: Option<Duration>,
}

impl QueueProgress {
    pub(super) const fn new(execution: Box<Execution>) -> Self {
        Self {
            execution,
            is_wanted: false,
            next_read: None,
            origin: None,
            reported: None,
        }
    }

    /// Reads the position again and again until it has changed, once `wanted` is notified. Cancel-safe.
    pub(super) async fn next_update(
        &mut self,
        state: &AppState,
        wanted: &Notify,
    ) -> Result<EncodedMessage, FeedError> {
        if !self.is_wanted {
            wanted.notified().await;
            self.is_wanted = true;
        }
        loop {
            if let Some(next_read) = self.next_read {
                sleep_until(next_read).await;
            }
            let position = state.ports.executions.queue_position(&self.execution).await;
            let now = Instant::now();
            self.next_read = Some(now + state.config.sockets.queue_interval);
            // A failed read is ignored: the position is only a courtesy, and it is read again soon.
            let Some(position) = position.ok().flatten() else {
                continue;
            };
            if let Some(update) = self.record(position, now) {
                let message = ServerMessage::queue(update.position, update.estimated_start);
                return EncodedMessage::new(&message);
            }
        }
    }

    /// Records the position. Returns an update if it has changed.
    fn record(&mut self, position: u64, now: Instant) -> Option<QueueUpdate> {
        let (origin, since) = match self.origin {
            Some((origin, since)) if position <= origin => (origin, since),
            Some(_) | None => *self.origin.insert((position, now)),
        };
        if self.reported.replace(position) == Some(position) {
            return None;
        }
        let advanced = origin.saturating_sub(position);
        Some(QueueUpdate {
            position,
            estimated_start: estimate(position, advanced, now.saturating_duration_since(since)),
        })
    }
}

/// The time for the `left` positions if the `advanced` ones took this long.
fn estimate(left: u64, advanced: u64, took: Duration) -> Option<Duration> {
    let nanoseconds = took.as_nanos().checked_mul(u128::from(left))?;
    let each = nanoseconds.checked_div(u128::from(advanced))?;
    u64::try_from(each).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution;
    use rstest::rstest;

    use super::*;

    /// Records a position at each of these seconds, and returns the last update.
    fn last_update(positions: &[(u64, u64)]) -> Option<QueueUpdate> {
        let (mut progress, began) = (QueueProgress::new(Box::new(execution())), Instant::now());
        let updates = positions.iter().map(|&(second, position)| {
            progress.record(position, began + Duration::from_secs(second))
        });
        updates.last().flatten()
    }

    #[rstest]
    #[case::no_estimate_before_the_position_falls(&[(0, 10)], None)]
    #[case::two_in_four_seconds(&[(0, 10), (4, 8)], Some(16))]
    #[case::nine_in_nine_seconds(&[(0, 10), (4, 8), (9, 1)], Some(1))]
    #[case::a_higher_position_restarts_the_measurement(&[(0, 3), (10, 5)], None)]
    #[case::and_then_counts_from_there(&[(0, 3), (10, 5), (12, 4)], Some(8))]
    fn the_estimate_follows_how_fast_the_position_falls(
        #[case] positions: &[(u64, u64)],
        #[case] seconds: Option<u64>,
    ) {
        let update = last_update(positions).unwrap();
        assert_eq!(update.position, positions.last().unwrap().1);
        assert_eq!(update.estimated_start, seconds.map(Duration::from_secs));
    }

    #[test]
    fn an_unchanged_position_is_not_reported_again() {
        assert_eq!(last_update(&[(0, 3), (1, 3)]), None);
    }

    #[rstest]
    #[case(0, 0, None)]
    #[case(u64::MAX, 1, None)]
    #[case(0, 1, Some(Duration::ZERO))]
    fn an_estimate_never_overflows(
        #[case] left: u64,
        #[case] advanced: u64,
        #[case] expected: Option<Duration>,
    ) {
        assert_eq!(estimate(left, advanced, Duration::from_secs(1)), expected);
    }
}
