//! Defines the bounds and deadlines that every store and queue enforces.

use std::time::Duration;

use time::OffsetDateTime;

use crate::{ByteSize, Execution, ForcedEnd, State, Status, Submission};

/// Bounds and deadlines that a store and its queue enforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePolicy {
    /// The time for which a final record is kept.
    pub retention: Duration,
    /// The most pending executions of all users, who share them as a [`SharedBound`](crate::SharedBound).
    pub pending_max: u32,
    /// The most pending executions of one user.
    pub user_pending_max: u32,
    /// The most running executions of one user; more of them wait.
    pub user_running_max: u32,
    /// The most submissions of one user in any 60 seconds; 0 means no bound.
    pub user_submits_per_minute: u32,
    /// The most that submissions of live executions may occupy together; users share it as a
    /// [`SharedBound`](crate::SharedBound).
    pub live_bytes_max: ByteSize,
    /// The longest that an execution waits for a worker.
    pub queue_deadline: Duration,
    /// The longest that an execution waits while no worker offers its language; see
    /// [`sweep`](crate::ExecutionQueue::sweep).
    pub no_worker_deadline: Duration,
    /// The length of a lease: without a renewal, another worker may take the execution over after it.
    pub lease: Duration,
    /// The attempts at an execution that may end with a lost lease before it is given up. Attempts that a worker releases do
    /// not count.
    pub attempts_max: u32,
    /// The time that one attempt may take beyond the wall time limits of its submission.
    pub run_grace: Duration,
}

impl StorePolicy {
    /// The retry time for a submission that found the store full. It is a guess, and retries are cheap.
    pub const FULL_RETRY_AFTER: Duration = Duration::from_secs(2);

    /// The longest pause between two sweeps after which the later one trusts what the earlier one saw of the workers. In a
    /// longer one the store was not available, or is new: workers could not announce themselves.
    pub const SWEEP_PAUSE_MAX: Duration = Duration::from_secs(15);

    /// The most input that is kept for one execution; see [`InputRelay`](crate::InputRelay).
    pub const INPUT_KEPT_MAX: ByteSize = ByteSize::from_mib(1);

    /// The senders of input to one execution that are told apart; see [`InputRelay::send`](crate::InputRelay::send).
    pub const SENDERS_KEPT: usize = 64;

    /// The most tickets for one execution that are valid at a time.
    pub const TICKETS_MAX: usize = 16;

    /// The memory that a submission may occupy until it is final: its size, and the most input that is kept for it.
    #[must_use]
    pub fn live_size(submission: &Submission) -> ByteSize {
        if submission.is_interactive() {
            submission.size().saturating_add(Self::INPUT_KEPT_MAX)
        } else {
            submission.size()
        }
    }

    /// The time at which the current state of an execution ends by force; `None` if it is final.
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

    /// Whether no worker may take an execution over after its lease is lost.
    #[must_use]
    pub fn is_last_attempt(&self, execution: &Execution) -> bool {
        execution.progress().takeovers().saturating_add(1) >= self.attempts_max
    }

    /// The reason for which an execution past its deadline or its last attempt ends now; `None` if it is final.
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

    /// The time at which the record of an execution is deleted, unless the execution changes before.
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
    fn a_live_record_outlives_all_its_deadlines() {
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
