//! Bounds how often each user submits in a minute.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use coderun_domain::UserId;
use time::OffsetDateTime;

const WINDOW: Duration = Duration::from_mins(1);

/// The times of the submissions of the last minute, of all users.
#[derive(Debug)]
pub(crate) struct SubmitRate {
    limit: u32,
    by_user: HashMap<UserId, VecDeque<OffsetDateTime>>,
}

impl SubmitRate {
    /// At most so many submissions a minute of each user; 0 means no bound, and then nothing is kept.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            by_user: HashMap::new(),
        }
    }

    /// Whether this user may submit now; if not, after how long.
    pub(crate) fn check(&mut self, user: &UserId, now: OffsetDateTime) -> Result<(), Duration> {
        match self.used(user, now) {
            (submits, reset) if submits > 0 && submits >= self.limit => Err(reset),
            _ => Ok(()),
        }
    }

    /// How often this user has submitted in the last minute, and after how long the oldest submission counts no more.
    pub(crate) fn used(&mut self, user: &UserId, now: OffsetDateTime) -> (u32, Duration) {
        let Some(times) = self.by_user.get_mut(user) else {
            return (0, Duration::ZERO);
        };
        remove_past(times, now);
        let reset = times.front().map_or(Duration::ZERO, |oldest| {
            Duration::try_from(*oldest + WINDOW - now).unwrap_or(WINDOW)
        });
        (u32::try_from(times.len()).unwrap_or(u32::MAX), reset)
    }

    /// Counts a submission of this user.
    pub(crate) fn record(&mut self, user: &UserId, now: OffsetDateTime) {
        if self.limit == 0 {
            return;
        }
        let times = self.by_user.entry(user.clone()).or_default();
        // The clock may have gone back; the queue stays in order.
        let at = times.back().map_or(now, |last| now.max(*last));
        times.push_back(at);
    }

    /// Drops what is older than a minute.
    pub(crate) fn remove_old(&mut self, now: OffsetDateTime) {
        self.by_user.retain(|_, times| {
            remove_past(times, now);
            !times.is_empty()
        });
    }

    /// How many users it remembers.
    pub(crate) fn users(&self) -> usize {
        self.by_user.len()
    }
}

fn remove_past(times: &mut VecDeque<OffsetDateTime>, now: OffsetDateTime) {
    while times.pop_front_if(|at| *at + WINDOW <= now).is_some() {}
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{at, user};

    use super::*;

    #[test]
    fn the_window_slides() {
        let mut rate = SubmitRate::new(2);
        for second in [0, 40] {
            assert_eq!(rate.check(&user("a"), at(second)), Ok(()));
            rate.record(&user("a"), at(second));
        }
        let refused = rate.check(&user("a"), at(50));
        assert_eq!(refused, Err(Duration::from_secs(10)));
        assert_eq!(rate.check(&user("b"), at(50)), Ok(()));
        assert_eq!(rate.check(&user("a"), at(60)), Ok(()));
        rate.record(&user("a"), at(60));
        let refused = rate.check(&user("a"), at(61));
        assert_eq!(refused, Err(Duration::from_secs(39)));
    }

    #[test]
    fn nothing_is_kept_for_longer_than_a_minute() {
        let mut rate = SubmitRate::new(2);
        rate.record(&user("a"), at(0));
        rate.record(&user("b"), at(30));
        rate.remove_old(at(60));
        assert_eq!(rate.users(), 1);
        rate.remove_old(at(90));
        assert_eq!(rate.users(), 0);
    }

    #[test]
    fn without_a_bound_nothing_is_kept() {
        let mut rate = SubmitRate::new(0);
        rate.record(&user("a"), at(0));
        assert_eq!(rate.check(&user("a"), at(0)), Ok(()));
        assert_eq!(rate.users(), 0);
    }

    #[test]
    fn a_clock_that_goes_back_keeps_the_bound() {
        let mut rate = SubmitRate::new(1);
        rate.record(&user("a"), at(100));
        assert_eq!(
            rate.check(&user("a"), at(10)),
            Err(Duration::from_secs(150))
        );
    }
}
