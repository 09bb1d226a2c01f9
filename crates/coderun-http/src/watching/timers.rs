//! Keeps the deadlines of one watcher, so that a single timer serves all of them.

use std::time::Duration;

use coderun_domain::Admission;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::SocketLimits;

/// The cap on the lifetime of a token: a time too far away cannot be represented.
const LIFETIME_MAX: Duration = Duration::from_hours(24 * 365);

/// The kinds of deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimerKind {
    /// The token has expired: close.
    TokenExpiry,
    /// Announce that the token will expire.
    ExpiryNotice,
    /// Show that the connection is alive.
    KeepAlive,
}

/// The deadlines of one watcher.
#[derive(Debug)]
pub(super) struct WatchTimers {
    expiry: Instant,
    /// When the token expires. The admission ends later, by the clock skew that is allowed.
    token_expiry: Instant,
    pub(super) notice: Option<Instant>,
    keep_alive: Instant,
    keep_alive_interval: Duration,
}

impl WatchTimers {
    pub(super) fn new(now: Instant, keep_alive_interval: Duration) -> Self {
        Self {
            expiry: now,
            token_expiry: now,
            notice: None,
            keep_alive: now + keep_alive_interval,
            keep_alive_interval,
        }
    }

    /// Sets when the admission ends, relative to the time of the clock that the admission refers to.
    pub(super) fn set_expiry(
        &mut self,
        admission: &Admission,
        clock_now: OffsetDateTime,
        limits: &SocketLimits,
    ) {
        let after = |left: time::Duration| {
            Duration::try_from(left)
                .unwrap_or_default()
                .min(LIFETIME_MAX)
        };
        let (now, left) = (Instant::now(), admission.expires_at - clock_now);
        self.token_expiry = now + after(left);
        self.expiry = now + after(left + limits.expiry_grace);
        self.notice = Some(now + after(left - limits.expiry_notice));
    }

    /// The next deadline. If several are due at the same time, the expiry comes first.
    pub(super) fn next(&self) -> (Instant, TimerKind) {
        let others = [
            (Some(self.keep_alive), TimerKind::KeepAlive),
            (self.notice, TimerKind::ExpiryNotice),
        ];
        let others = others
            .into_iter()
            .filter_map(|(at, kind)| Some((at?, kind)));
        others.fold((self.expiry, TimerKind::TokenExpiry), |soonest, other| {
            if other.0 < soonest.0 { other } else { soonest }
        })
    }

    /// The time left until the token expires.
    pub(super) fn until_token_expiry(&self, now: Instant) -> Duration {
        self.token_expiry.saturating_duration_since(now)
    }

    pub(super) fn restart_keep_alive(&mut self, now: Instant) {
        self.keep_alive = now + self.keep_alive_interval;
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{at, user};
    use rstest::rstest;

    use super::*;

    const KEEP_ALIVE: Duration = Duration::from_secs(20);

    fn timers_until(expires_at: OffsetDateTime) -> WatchTimers {
        let limits = SocketLimits::default();
        let mut timers = WatchTimers::new(Instant::now(), KEEP_ALIVE);
        let admission = Admission {
            user: user("alice"),
            expires_at,
        };
        timers.set_expiry(&admission, at(0), &limits);
        timers
    }

    /// The expected seconds include the grace of one minute.
    #[rstest]
    #[case(at(3_600), 3_660)]
    #[case(at(0), 60)]
    #[case(at(0) - Duration::from_secs(50), 10)]
    #[case(at(0) - Duration::from_secs(61), 0)]
    #[case(at(0) + Duration::from_hours(24 * 365 * 1_000), 24 * 365 * 3_600)]
    fn the_admission_ends_a_grace_after_the_token(
        #[case] expires_at: OffsetDateTime,
        #[case] left: u64,
    ) {
        let timers = timers_until(expires_at);
        let (now, left) = (Instant::now(), Duration::from_secs(left));
        let remaining = timers.expiry.saturating_duration_since(now);
        assert!(remaining <= left);
        assert!(remaining + Duration::from_secs(5) >= left);
    }

    #[test]
    fn the_expiry_notice_is_due_before_the_token_expires() {
        let mut timers = timers_until(at(3_600));
        timers.restart_keep_alive(Instant::now() + Duration::from_hours(2));
        let (notice_at, kind) = timers.next();
        assert_eq!(kind, TimerKind::ExpiryNotice);
        assert_eq!(
            timers.until_token_expiry(notice_at),
            SocketLimits::default().expiry_notice
        );
        let grace = SocketLimits::default().expiry_grace;
        assert_eq!(timers.expiry - timers.token_expiry, grace);
    }

    #[test]
    fn the_soonest_deadline_is_next_and_the_expiry_wins_a_tie() {
        let mut timers = timers_until(at(3_600));
        assert_eq!(timers.next().1, TimerKind::KeepAlive);
        timers.restart_keep_alive(Instant::now() + Duration::from_hours(2));
        assert_eq!(timers.next().1, TimerKind::ExpiryNotice);
        timers.notice = None;
        assert_eq!(timers.next().1, TimerKind::TokenExpiry);
        timers.notice = Some(timers.next().0);
        assert_eq!(timers.next().1, TimerKind::TokenExpiry);
    }
}
