//! The place of a waiting execution, and when it may be its turn.

use std::time::Duration;

use coderun_domain::Execution;
use tokio::time::Instant;

/// An execution that waits, and what is known of its place.
#[derive(Debug)]
pub(super) struct QueuePlace {
    execution: Box<Execution>,
    /// From where its fall is measured: the last time that it was further back than ever since.
    origin: Option<(u64, Instant)>,
    told: Option<u64>,
}

/// What a watcher is told of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueNews {
    /// The place, from 1.
    pub(crate) position: u64,
    /// When it may be its turn; `None` where nobody can tell yet.
    pub(crate) estimated_start: Option<Duration>,
}

impl QueuePlace {
    pub(super) const fn new(execution: Box<Execution>) -> Self {
        Self {
            execution,
            origin: None,
            told: None,
        }
    }

    pub(super) const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// Takes note of the place, and answers what there is to tell if it has changed.
    pub(super) fn note(&mut self, position: u64, now: Instant) -> Option<QueueNews> {
        let (origin, since) = match self.origin {
            Some((origin, since)) if position <= origin => (origin, since),
            Some(_) | None => *self.origin.insert((position, now)),
        };
        if self.told.replace(position) == Some(position) {
            return None;
        }
        let fallen = origin.saturating_sub(position);
        Some(QueueNews {
            position,
            estimated_start: estimate(position, fallen, now.saturating_duration_since(since)),
        })
    }
}

/// How long `left` places take where `fallen` of them took this long.
fn estimate(left: u64, fallen: u64, took: Duration) -> Option<Duration> {
    let nanoseconds = took.as_nanos().checked_mul(u128::from(left))?;
    let each = nanoseconds.checked_div(u128::from(fallen))?;
    u64::try_from(each).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution;
    use rstest::rstest;

    use super::*;

    fn place() -> QueuePlace {
        QueuePlace::new(Box::new(execution()))
    }

    #[test]
    fn the_estimate_follows_how_fast_the_place_fell() {
        let (mut place, began) = (place(), Instant::now());
        let first = place.note(10, began).unwrap();
        assert_eq!((first.position, first.estimated_start), (10, None));
        let second = place.note(8, began + Duration::from_secs(4)).unwrap();
        assert_eq!(second.estimated_start, Some(Duration::from_secs(16)));
        let third = place.note(1, began + Duration::from_secs(9)).unwrap();
        assert_eq!(third.estimated_start, Some(Duration::from_secs(1)));
    }

    #[test]
    fn an_unchanged_place_is_not_told_again() {
        let (mut place, began) = (place(), Instant::now());
        assert!(place.note(3, began).is_some());
        assert_eq!(place.note(3, began + Duration::from_secs(1)), None);
    }

    #[test]
    fn whoever_fell_back_is_measured_anew() {
        let (mut place, began) = (place(), Instant::now());
        place.note(3, began);
        let back = place.note(5, began + Duration::from_secs(10)).unwrap();
        assert_eq!(back.estimated_start, None);
        let forth = place.note(4, began + Duration::from_secs(12)).unwrap();
        assert_eq!(forth.estimated_start, Some(Duration::from_secs(8)));
    }

    #[rstest]
    #[case(0, 0, None)]
    #[case(u64::MAX, 1, None)]
    #[case(0, 1, Some(Duration::ZERO))]
    fn nothing_overflows(#[case] left: u64, #[case] fallen: u64, #[case] told: Option<Duration>) {
        assert_eq!(estimate(left, fallen, Duration::from_secs(1)), told);
    }
}
