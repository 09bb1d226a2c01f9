//! How much the store takes in and how long it keeps it: the same rules for every adapter.

use std::time::Duration;

use time::OffsetDateTime;

use crate::{ByteSize, Execution, ForcedEnd, State, Status};

/// Bounds and deadlines that a store and its queue enforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePolicy {
    /// How long a final record lives.
    pub retention: Duration,
    /// The most executions that wait, of all users.
    pub pending_max: u32,
    /// The most executions of one user that wait.
    pub user_pending_max: u32,
    /// The most executions of one user that run at a time; more of them wait.
    pub user_running_max: u32,
    /// The most submissions of one user in any 60 seconds; 0 means no bound.
    pub user_submits_per_minute: u32,
    /// What submissions that are not final may occupy together, in a store that keeps them in memory.
    pub live_bytes_max: ByteSize,
    /// The longest that an execution waits for a worker.
    pub queue_deadline: Duration,
    /// How long a worker may be silent before its execution is taken over.
    pub lease: Duration,
    /// How many attempts at an execution may end with a lost lease before it is given up. What a worker gives back in good
    /// order does not count.
    pub attempts_max: u32,
    /// What one attempt may take beyond the wall time limits of its submission.
    pub run_grace: Duration,
}

impl StorePolicy {
    /// When somebody who found no place may ask again: nobody can know when one is free, and asking is cheap.
    pub const FULL_RETRY_AFTER: Duration = Duration::from_secs(2);

    /// What is kept of the input that was sent to one execution; see [`InputRelay`](crate::InputRelay).
    pub const INPUT_KEPT_MAX: ByteSize = ByteSize::from_mib(1);

    /// How many senders of input to one execution are told apart; see [`InputRelay::send`](crate::InputRelay::send).
    pub const SENDERS_KEPT: usize = 64;

    /// How many tickets for one execution are good at a time.
    pub const TICKETS_MAX: usize = 16;

    /// What the live submissions of one user may occupy together: a quarter of what those of all may. That leaves half
    /// of the room whatever two users send, and lets one who is alone still have dozens of the largest waiting. Whoever
    /// has nothing alive may always submit one, however large it is: else it would be refused for ever.
    #[must_use]
    pub const fn user_live_bytes_max(&self) -> ByteSize {
        ByteSize::from_bytes(self.live_bytes_max.as_bytes() / 4)
    }

    /// When the present state of an execution ends by force: `None` once it is final.
    #[must_use]
    pub fn deadline(&self, execution: &Execution) -> Option<OffsetDateTime> {
        let progress = execution.progress();
        match progress.state() {
            State::Pending => Some(progress.updated_at() + self.queue_deadline),
            State::Running { started_at, .. } => {
                let run = execution.submission().limits().total_wall_time();
                Some(*started_at + run + self.run_grace)
            }
            State::Final { .. } => None,
        }
    }

    /// Whether nobody may take an execution over when the lease of its worker is lost.
    #[must_use]
    pub fn is_last_attempt(&self, execution: &Execution) -> bool {
        execution.progress().takeovers().saturating_add(1) >= self.attempts_max
    }

    /// Why an execution that has outlived its deadline or its last attempt ends now; `None` once it is final.
    #[must_use]
    pub fn forced_end(&self, execution: &Execution, now: OffsetDateTime) -> Option<ForcedEnd> {
        let is_overdue = self.deadline(execution)? <= now;
        match execution.status() {
            Status::Running if is_overdue => Some(ForcedEnd::RanTooLong),
            Status::Running => Some(ForcedEnd::GivenUp),
            Status::Pending => Some(ForcedEnd::WaitedTooLong),
            Status::Completed | Status::Error => None,
        }
    }

    /// When the record of an execution is deleted, if nothing happens to it before.
    #[must_use]
    pub fn expires_at(&self, execution: &Execution) -> OffsetDateTime {
        let progress = execution.progress();
        let still_to_run = match execution.status() {
            Status::Pending => execution.submission().limits().total_wall_time() + self.run_grace,
            Status::Running | Status::Completed | Status::Error => Duration::ZERO,
        };
        let end = self.deadline(execution).unwrap_or(progress.updated_at());
        end + still_to_run + self.retention
    }
}

#[cfg(test)]
mod tests {
    use crate::WorkerId;
    use crate::testing::{at, execution, finished, store_policy};

    #[test]
    fn a_final_record_lives_for_the_retention() {
        let worker = WorkerId::parse("w").unwrap();
        let ended = execution()
            .start(worker, at(1))
            .unwrap()
            .finish(finished(), at(2))
            .unwrap();
        let policy = store_policy();
        assert_eq!(policy.deadline(&ended), None);
        assert_eq!(policy.expires_at(&ended), at(2) + policy.retention);
    }

    #[test]
    fn a_live_record_outlives_every_deadline_it_has() {
        let policy = store_policy();
        let pending = execution();
        let worker = WorkerId::parse("w").unwrap();
        let latest_start = policy.deadline(&pending).unwrap();
        let running = pending.clone().start(worker, latest_start).unwrap();
        let latest_end = policy.deadline(&running).unwrap();
        assert!(policy.expires_at(&pending) >= latest_end);
        assert_eq!(policy.expires_at(&running), latest_end + policy.retention);
    }

    #[test]
    fn the_run_deadline_covers_both_stages_and_the_grace() {
        let policy = store_policy();
        let worker = WorkerId::parse("w").unwrap();
        let running = execution().start(worker, at(5)).unwrap();
        let wall = running.submission().limits().total_wall_time();
        assert_eq!(
            policy.deadline(&running),
            Some(at(5) + wall + policy.run_grace)
        );
    }
}
