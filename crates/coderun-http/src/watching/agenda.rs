//! What is due next for one watcher, so that one timer is enough for all of it.

use std::time::Duration;

use coderun_domain::Admission;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::SocketLimits;

/// No token is good for longer, and a time that is too far away could not be represented.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// What there is to do at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Close: the token has expired.
    Expire,
    /// Tell that the token will expire.
    TellExpiry,
    /// Show that the connection lives.
    KeepAlive,
    /// Ask for the place in the queue.
    AskPlace,
}

/// When what is due.
#[derive(Debug)]
pub(super) struct Agenda {
    expiry: Instant,
    /// When the token expires, which is before the admission does by what clocks may differ.
    token_expiry: Instant,
    notice: Option<Instant>,
    keep_alive: Instant,
    keep_alive_interval: Duration,
    place: Option<Instant>,
    place_interval: Duration,
}

impl Agenda {
    pub(super) fn new(now: Instant, keep_alive_interval: Duration, limits: &SocketLimits) -> Self {
        Self {
            expiry: now,
            token_expiry: now,
            notice: None,
            keep_alive: now + keep_alive_interval,
            keep_alive_interval,
            place: None,
            place_interval: limits.queue_interval,
        }
    }

    /// Sets when the admission ends; `today` is the time of its own clock.
    pub(super) fn admit_until(
        &mut self,
        admission: &Admission,
        today: OffsetDateTime,
        limits: &SocketLimits,
    ) {
        let after =
            |left: time::Duration| Duration::try_from(left).unwrap_or_default().min(LONGEST);
        let (now, left) = (Instant::now(), admission.expires_at - today);
        self.token_expiry = now + after(left);
        self.expiry = now + after(left + limits.expiry_grace);
        self.notice = Some(now + after(left - limits.expiry_notice));
    }

    /// What is due next. Where several are at the same time, the end comes first.
    pub(super) fn next(&self) -> (Instant, Duty) {
        let others = [
            (Some(self.keep_alive), Duty::KeepAlive),
            (self.notice, Duty::TellExpiry),
            (self.place, Duty::AskPlace),
        ];
        let others = others
            .into_iter()
            .filter_map(|(at, duty)| Some((at?, duty)));
        others.fold((self.expiry, Duty::Expire), |soonest, other| {
            if other.0 < soonest.0 { other } else { soonest }
        })
    }

    /// What is left until the token expires.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.token_expiry.saturating_duration_since(now)
    }

    /// Nothing need be told of the expiry any more.
    pub(super) const fn expiry_was_told(&mut self) {
        self.notice = None;
    }

    pub(super) fn keep_alive_later(&mut self, now: Instant) {
        self.keep_alive = now + self.keep_alive_interval;
    }

    /// The place in the queue is asked for at once.
    pub(super) const fn ask_place(&mut self, now: Instant) {
        self.place = Some(now);
    }

    pub(super) fn ask_place_later(&mut self, now: Instant) {
        self.place = Some(now + self.place_interval);
    }

    /// The place in the queue is of no more interest.
    pub(super) const fn forget_place(&mut self) {
        self.place = None;
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{at, user};
    use rstest::rstest;

    use super::*;

    const KEEP_ALIVE: Duration = Duration::from_secs(20);

    fn admitted(expires_at: OffsetDateTime) -> Agenda {
        let limits = SocketLimits::default();
        let mut agenda = Agenda::new(Instant::now(), KEEP_ALIVE, &limits);
        let admission = Admission {
            user: user("alice"),
            expires_at,
        };
        agenda.admit_until(&admission, at(0), &limits);
        agenda
    }

    /// The grace of a minute included.
    #[rstest]
    #[case(at(3_600), 3_660)]
    #[case(at(0), 60)]
    #[case(at(0) - Duration::from_secs(50), 10)]
    #[case(at(0) - Duration::from_secs(61), 0)]
    #[case(at(0) + Duration::from_hours(24 * 365 * 1_000), 24 * 365 * 3_600)]
    fn it_ends_with_the_token_and_the_grace(#[case] expires_at: OffsetDateTime, #[case] left: u64) {
        let agenda = admitted(expires_at);
        let (now, left) = (Instant::now(), Duration::from_secs(left));
        let open_for = agenda.expiry.saturating_duration_since(now);
        assert!(open_for <= left);
        assert!(open_for + Duration::from_secs(5) >= left);
    }

    #[test]
    fn its_end_is_announced_before_the_token_expires() {
        let mut agenda = admitted(at(3_600));
        agenda.keep_alive_later(Instant::now() + Duration::from_hours(2));
        let (told_at, duty) = agenda.next();
        assert_eq!(duty, Duty::TellExpiry);
        assert_eq!(agenda.left(told_at), SocketLimits::default().expiry_notice);
        let grace = SocketLimits::default().expiry_grace;
        assert_eq!(agenda.expiry - agenda.token_expiry, grace);
    }

    #[test]
    fn the_soonest_is_next_and_of_several_the_end() {
        let mut agenda = admitted(at(3_600));
        assert_eq!(agenda.next().1, Duty::KeepAlive);
        agenda.keep_alive_later(Instant::now() + Duration::from_hours(2));
        assert_eq!(agenda.next().1, Duty::TellExpiry);
        agenda.expiry_was_told();
        assert_eq!(agenda.next().1, Duty::Expire);
        agenda.ask_place(agenda.next().0);
        assert_eq!(agenda.next().1, Duty::Expire);
        agenda.ask_place(Instant::now());
        assert_eq!(agenda.next().1, Duty::AskPlace);
        agenda.forget_place();
        assert_eq!(agenda.next().1, Duty::Expire);
    }
}
