//! Tells whether a program that waits for a person, and whose run has given its place to others, goes on all the same.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The processor time that a program may use while it waits: a runtime tidies up when it has nothing to do.
const ALLOWANCE: Duration = Duration::from_millis(50);
/// And this part of the time that it waits.
const ALLOWED_PART: u32 = 50;
/// The most time for which a frozen program does not use up its wall time. The worker and the store have deadlines of their
/// own, which do not know of it.
const FROZEN_MAX: Duration = Duration::from_secs(10);

/// Whether a run has its place on the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Held,
    /// The program waits for a person, and others have the place.
    Given,
    /// The program went on without a place, and is frozen until the run has one.
    Wanted,
}

/// Signals what becomes of the place of a run.
#[derive(Debug)]
pub(super) struct PlaceSignal(watch::Sender<Place>);

impl Default for PlaceSignal {
    fn default() -> Self {
        Self(watch::Sender::new(Place::Held))
    }
}

impl PlaceSignal {
    pub(super) fn set(&self, place: Place) {
        self.0
            .send_if_modified(|current| std::mem::replace(current, place) != place);
    }

    pub(super) fn get(&self) -> Place {
        *self.0.borrow()
    }

    /// Waits until it is so. Cancel-safe.
    pub(super) async fn until(&self, wanted: Place) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|place| *place == wanted).await;
    }
}

/// A program while its run has no place.
#[derive(Debug, Default)]
pub(super) struct WaitingProgram {
    /// When it was first seen to wait, and the processor time that it had used by then.
    since: Option<(Instant, Duration)>,
    frozen_since: Option<Instant>,
    /// The processor time that it had used at the first look after it was frozen.
    cpu_when_frozen: Option<Duration>,
    /// The processor time that it had used at the last look while it was frozen.
    cpu_at_last_look: Option<Duration>,
    /// For how long it was frozen before.
    frozen: Duration,
}

impl WaitingProgram {
    /// Whether it has used more processor time than waiting takes.
    pub(super) fn has_gone_on(&mut self, place: Place, cpu_used: Duration) -> bool {
        if place != Place::Given {
            self.since = None;
            return false;
        }
        let (since, before) = *self.since.get_or_insert((Instant::now(), cpu_used));
        let allowed = ALLOWANCE + since.elapsed() / ALLOWED_PART;
        cpu_used.saturating_sub(before) > allowed
    }

    /// Whether it uses processor time although it is frozen. It may for a moment, in which the kernel stops it.
    pub(super) fn cannot_be_frozen(&mut self, cpu_used: Duration) -> bool {
        let before = *self.cpu_when_frozen.get_or_insert(cpu_used);
        cpu_used.saturating_sub(before) > ALLOWANCE
    }

    /// Whether it has used processor time since the last look, or this is the first one since it was frozen.
    pub(super) fn has_stirred(&mut self, cpu_used: Duration) -> bool {
        let before = self.cpu_at_last_look.replace(cpu_used);
        before.is_none_or(|before| cpu_used > before)
    }

    pub(super) const fn is_frozen(&self) -> bool {
        self.frozen_since.is_some()
    }

    pub(super) fn mark_frozen(&mut self) {
        self.frozen_since = Some(Instant::now());
        self.cpu_when_frozen = None;
        self.cpu_at_last_look = None;
    }

    pub(super) fn mark_thawed(&mut self) {
        self.frozen = self.frozen_time();
        self.frozen_since = None;
    }

    /// The time for which it was frozen and that does not count against its limit.
    pub(super) fn frozen_for(&self) -> Duration {
        self.frozen_time().min(FROZEN_MAX)
    }

    fn frozen_time(&self) -> Duration {
        let now = self.frozen_since.map(|since| since.elapsed());
        self.frozen + now.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn only_a_program_without_a_place_that_uses_processor_time_has_gone_on() {
        let mut program = WaitingProgram::default();
        assert!(!program.has_gone_on(Place::Held, 900 * MILLISECOND));
        assert!(!program.has_gone_on(Place::Given, 1000 * MILLISECOND));
        assert!(!program.has_gone_on(Place::Given, 1050 * MILLISECOND));
        assert!(program.has_gone_on(Place::Given, 1051 * MILLISECOND));
        assert!(!program.has_gone_on(Place::Held, 2000 * MILLISECOND));
        assert!(
            !program.has_gone_on(Place::Given, 2000 * MILLISECOND),
            "it counts anew"
        );
        tokio::time::advance(10_000 * MILLISECOND).await;
        assert!(!program.has_gone_on(Place::Given, 2250 * MILLISECOND));
        assert!(program.has_gone_on(Place::Given, 2251 * MILLISECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_uses_processor_time_after_it_was_stopped_cannot_be_frozen() {
        let mut program = WaitingProgram::default();
        for stopped_at in [300, 800] {
            program.mark_frozen();
            assert!(!program.cannot_be_frozen(stopped_at * MILLISECOND));
            assert!(!program.cannot_be_frozen((stopped_at + 50) * MILLISECOND));
            assert!(program.cannot_be_frozen((stopped_at + 51) * MILLISECOND));
            program.mark_thawed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_program_that_does_nothing_is_not_stopped_again() {
        let mut program = WaitingProgram::default();
        for _ in 0..2 {
            program.mark_frozen();
            for (cpu_used, expected) in [(300, true), (300, false), (301, true), (301, false)] {
                assert_eq!(program.has_stirred(cpu_used * MILLISECOND), expected);
            }
            program.mark_thawed();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_program_does_not_use_up_its_time_within_a_bound() {
        let mut program = WaitingProgram::default();
        for expected in [3, 6, 9, 10] {
            program.mark_frozen();
            tokio::time::advance(Duration::from_secs(3)).await;
            assert_eq!(program.frozen_for(), Duration::from_secs(expected));
            program.mark_thawed();
            tokio::time::advance(Duration::from_secs(3)).await;
            assert_eq!(program.frozen_for(), Duration::from_secs(expected));
        }
    }
}
