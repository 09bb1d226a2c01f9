//! Varies the pauses of periodic work, so that replicas that start together do not stay in step.

use std::time::Duration;

use fastrand::Rng;

/// Pauses of three to five quarters of an interval.
#[derive(Debug, Clone)]
pub struct JitteredInterval {
    interval: Duration,
    random: Rng,
}

impl JitteredInterval {
    /// Pauses around `interval`; the seed alone decides on them and should differ between processes.
    #[must_use]
    pub fn new(interval: Duration, seed: u64) -> Self {
        Self {
            interval,
            random: Rng::with_seed(seed),
        }
    }

    /// The next pause.
    pub(crate) fn next_pause(&mut self) -> Duration {
        self.interval.mul_f64(0.75 + self.random.f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pauses(seed: u64) -> Vec<Duration> {
        let mut interval = JitteredInterval::new(SECOND, seed);
        (0..1000).map(|_| interval.next_pause()).collect()
    }

    #[test]
    fn pauses_cover_the_half_interval_around_it() {
        let pauses = pauses(1);
        let (shortest, longest) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*shortest >= SECOND * 3 / 4 && *shortest < SECOND * 4 / 5);
        assert!(*longest <= SECOND * 5 / 4 && *longest > SECOND * 6 / 5);
        let mean = pauses.iter().sum::<Duration>() / 1000;
        assert!(mean.abs_diff(SECOND) < SECOND / 50, "{mean:?}");
    }

    #[test]
    fn two_seeds_give_different_pauses() {
        assert_eq!(pauses(1), pauses(1));
        let pairs = pauses(1).into_iter().zip(pauses(2));
        let same = pairs.filter(|(one, other)| one.abs_diff(*other) < SECOND / 1000);
        assert!(same.count() < 50);
    }
}
