//! Hands executions to workers, each to one worker at a time, and records their results.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    Attempt, BackendError, Execution, ExecutionId, Health, Language, Outcome, RunEvent, Sequence,
    State, Status, WorkerId,
};

/// The worker's side of the store.
///
/// It shares its data with the [`ExecutionStore`](crate::ExecutionStore): every step changes the record and adds
/// its events in one step, or changes nothing. The attempt in a [`Lease`] is the fence: once another attempt has
/// begun, or the execution has ended otherwise, every call with the old lease is answered with
/// [`QueueError::LeaseLost`] and changes nothing. Every call may be repeated after [`QueueError::Unavailable`].
///
/// Every implementation passes `coderun_conformance::execution_queue_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ExecutionQueue: fmt::Debug + Send + Sync + 'static {
    /// Takes the next executions in these languages and for these users, in order: `at_most` of them, or fewer if there are
    /// no more now. Never waits.
    ///
    /// Executions whose workers have lost their leases go first, unless it is for [idle users](TakeFor::IdleUsers) only. Then
    /// come those that were released. Otherwise users who run fewer executions go before those who run more, and equal ones
    /// take turns, within a call as from call to call: one with many pending executions does not delay another. No user has
    /// more running executions than the policy allows, those of the same call included. Each execution is running, with its
    /// attempt raised, and its lease holds for the policy's `lease` time.
    ///
    /// A queue that keeps users in several places need only tell those who run less than their
    /// [share](TakeFor::Everyone::share) from those who run more, if they are in different places.
    ///
    /// Each execution is taken in one step, but all of them need not be: a call that fails after it has taken some answers
    /// those. What was taken and never answered is taken over once its lease has run out.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`], [`QueueError::Corrupt`].
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        users: TakeFor,
        at_most: usize,
    ) -> Result<Vec<Lease>, QueueError>;

    /// Waits until there may be more to take than the last [`take`] for these users found, which answered fewer than it was
    /// asked for. It is a hint that may be wrong or missing: call [`take`] again after a while in any case. Cancel-safe.
    ///
    /// [`take`]: ExecutionQueue::take
    async fn work_available(&self, users: TakeFor);

    /// Extends the lease to another `lease` time from now, never to an earlier time than before, and returns whether the owner
    /// wants the execution stopped.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] also if the deadline of the run has passed; [`QueueError::Unavailable`].
    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError>;

    /// Waits until the owner wants the execution stopped, or has deleted it. A hint like `work_available`:
    /// [`renew`](ExecutionQueue::renew) decides. Cancel-safe.
    async fn cancel_requested(&self, lease: &Lease);

    /// Stores events of the run; the first of them gets the number after `after`.
    ///
    /// Every event has its number, and one whose number is stored already is skipped: a repetition after a lost reply
    /// changes nothing, and one with more events adds just those. Returns the number of the last event.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`] also if fewer events than `after` are stored; [`QueueError::Unavailable`].
    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError>;

    /// Ends the execution in one step: stores those events of the run that are not stored yet, the final state and the last
    /// event, and frees lease and quota. A repetition changes nothing and is `Ok`.
    ///
    /// `after` and the events are those of an [`append`](ExecutionQueue::append), and watchers receive the same events as
    /// after one. With or without events, `after` proves that the queue still has what the worker knows to be stored: if a
    /// backend has lost some of it, the lease is lost and nothing is recorded over the gap.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`], [`QueueError::Unavailable`].
    async fn finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError>;

    /// Returns the execution to the queue, for another worker to take soon. However often that happens, it does not count
    /// among the attempts that the policy bounds.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`], [`QueueError::Unavailable`].
    async fn release(&self, lease: &Lease) -> Result<(), QueueError>;

    /// Ends executions past their deadline or last attempt, and deletes expired records. Any replica may call
    /// it at any time; each execution is ended once.
    ///
    /// Also ends what has waited for the policy's `no_worker_deadline` while, for as long, no sweep has found an offer of
    /// its language in the [`WorkerRegistry`](crate::WorkerRegistry). After a pause of more than
    /// [`SWEEP_PAUSE_MAX`](crate::StorePolicy::SWEEP_PAUSE_MAX) that time begins anew: no worker could announce itself to a
    /// store that was not available.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`].
    async fn sweep(&self) -> Result<Swept, QueueError>;

    /// The number of pending and of running executions of all users.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`].
    async fn depth(&self) -> Result<QueueDepth, QueueError>;

    /// Checks whether executions could be taken and finished now.
    ///
    /// # Errors
    /// [`QueueError::Unavailable`].
    async fn check(&self) -> Result<Health, QueueError>;
}

/// The users for whom a worker takes executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeFor {
    /// All users.
    Everyone {
        /// A user who runs so many executions gets no more of them while another user waits who runs fewer.
        share: u32,
    },
    /// Users who run nothing. A worker takes for them beyond its concurrency.
    IdleUsers,
}

/// The right of one worker to one attempt at an execution, which is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    execution: Execution,
    worker: WorkerId,
    started_at: OffsetDateTime,
}

/// Refuses a lease on an execution that is not running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot lease an execution that is {status}: it must be running")]
pub struct NotRunning {
    /// The execution's status.
    pub status: Status,
}

impl Lease {
    /// The lease of the worker that runs this execution.
    ///
    /// # Errors
    /// [`NotRunning`] if the execution is pending or final.
    pub fn new(execution: Execution) -> Result<Self, NotRunning> {
        match execution.state() {
            State::Running { worker, started_at } => Ok(Self {
                worker: worker.clone(),
                started_at: *started_at,
                execution,
            }),
            State::Pending | State::Final { .. } => Err(NotRunning {
                status: execution.status(),
            }),
        }
    }

    /// The execution as it stood when it was taken.
    #[must_use]
    pub const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// The worker that holds the lease.
    #[must_use]
    pub const fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// The start of the leased attempt.
    #[must_use]
    pub const fn started_at(&self) -> OffsetDateTime {
        self.started_at
    }

    /// The id of the execution.
    #[must_use]
    pub const fn id(&self) -> ExecutionId {
        self.execution.id()
    }

    /// The attempt: the fence.
    #[must_use]
    pub const fn attempt(&self) -> Attempt {
        self.execution.attempt()
    }
}

/// The answer to a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The worker goes on.
    Continue,
    /// The owner wants the execution stopped.
    Cancel,
}

/// The numbers of executions that a sweep ended and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Executions that were ended.
    pub ended: usize,
    /// Records that were deleted.
    pub expired: usize,
}

/// The numbers of executions in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Pending executions.
    pub pending: u64,
    /// Running executions.
    pub running: u64,
}

/// Says why a call of the queue failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The worker no longer holds the execution: it was taken over, ended or deleted.
    #[error("the lease on the execution is lost")]
    LeaseLost,
    /// The backend cannot be reached or refuses to work.
    #[error("the queue `{backend}` is not available")]
    Unavailable {
        /// The name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
    /// The backend holds a record that is not a possible execution.
    #[error("the queue `{backend}` holds a damaged record of `{id}`")]
    Corrupt {
        /// The name of the backend.
        backend: &'static str,
        /// The id of the execution.
        id: ExecutionId,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl QueueError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::LeaseLost | Self::Corrupt { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, execution, finished};

    #[test]
    fn only_a_running_execution_can_be_leased() {
        let worker = WorkerId::parse("worker").unwrap();
        let pending = execution();
        let running = pending.clone().start(worker.clone(), at(3)).unwrap();
        let ended = running.clone().finish(finished(), at(4)).unwrap();

        let lease = Lease::new(running.clone()).unwrap();
        assert_eq!(lease.execution(), &running);
        assert_eq!((lease.worker(), lease.started_at()), (&worker, at(3)));
        for not_running in [pending.clone(), running.release(at(4)).unwrap(), ended] {
            let status = not_running.status();
            assert_eq!(Lease::new(not_running), Err(NotRunning { status }));
        }
    }
}
