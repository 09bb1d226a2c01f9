//! Pauses of processes that must not all act at the same moment.

use std::time::Duration;

/// The golden ratio in 64 bits: steps of it reach every state.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Pauses of about an interval, each a little different, so that replicas that were started together do not stay in
/// step.
#[derive(Debug, Clone)]
pub struct Rhythm {
    interval: Duration,
    state: u64,
}

impl Rhythm {
    /// Pauses from three to five quarters of the interval; which ones depends on the seed alone, which should be another
    /// one in each process.
    #[must_use]
    pub const fn new(interval: Duration, seed: u64) -> Self {
        Self {
            interval,
            state: seed,
        }
    }

    /// The next pause.
    pub(crate) fn next_pause(&mut self) -> Duration {
        self.state = self.state.wrapping_add(STEP);
        let upper = u32::try_from(mixed(self.state) >> 32).unwrap_or(u32::MAX);
        let part = f64::from(upper) / f64::from(u32::MAX);
        self.interval.mul_f64(0.75 + part / 2.0)
    }
}

/// The mixer of `SplitMix64`: neighbours of a state are as different as any two.
const fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pauses(seed: u64) -> Vec<Duration> {
        let mut rhythm = Rhythm::new(SECOND, seed);
        (0..1000).map(|_| rhythm.next_pause()).collect()
    }

    #[test]
    fn pauses_fill_the_half_interval_around_it() {
        let pauses = pauses(1);
        let (shortest, longest) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
        assert!(*shortest >= SECOND * 3 / 4 && *shortest < SECOND * 4 / 5);
        assert!(*longest <= SECOND * 5 / 4 && *longest > SECOND * 6 / 5);
        let mean = pauses.iter().sum::<Duration>() / 1000;
        assert!(mean.abs_diff(SECOND) < SECOND / 50, "{mean:?}");
    }

    #[test]
    fn two_processes_do_not_keep_step() {
        assert_eq!(pauses(1), pauses(1));
        let together = pauses(1).into_iter().zip(pauses(2));
        let same = together.filter(|(one, other)| one.abs_diff(*other) < SECOND / 1000);
        assert!(same.count() < 50);
    }
}
