//! Keeps executions: accepts, finds, lists, cancels and deletes them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    BackendError, Execution, ExecutionId, FailureKind, Health, Language, Lease, Status, UserId,
    Verdict, WorkerId,
};

/// Keeps executions and what happened to them.
///
/// Every implementation passes `coderun_conformance::execution_store_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ExecutionStore: fmt::Debug + Send + Sync + 'static {
    /// Accepts a new execution: record, queue position, quota and first event in one step, or nothing at all.
    ///
    /// Idempotent: the same id again is answered with the stored execution and uses no quota. Where clients can choose ids,
    /// the caller checks whose execution that is.
    ///
    /// With an `offer`, a worker that has a permit free and runs this language offers to run the execution at once. The
    /// answer may be [`Submitted::Leased`]: the execution is stored as if this worker had taken it right after its
    /// submission, in the same step. No lease is granted past anybody who waits: nothing in the queue may be taken now, neither
    /// a waiting execution nor one whose worker has lost its lease, and the user has fewer running executions than the
    /// policy allows. Whether languages that this worker does not run count as waiting is up to the implementation, which may
    /// decline any offer: the execution then waits, as without one. Quotas are the same with and without an offer.
    ///
    /// After a lost reply a repetition answers [`Submitted::AlreadyExists`]. An execution that was leased and that its worker
    /// does not know of is taken over once the lease has run out.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::QuotaExceeded`], [`StoreError::Unavailable`], [`StoreError::Corrupt`]. After
    /// `Unavailable` it may have been accepted: only the same id may be submitted again.
    async fn submit(
        &self,
        execution: &Execution,
        offer: Option<WorkerId>,
    ) -> Result<SubmitReply, StoreError>;

    /// What a user holds of what the policy bounds. What others hold may be a second old where a store is in several parts.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn usage(&self, user: &UserId) -> Result<UserUsage, StoreError>;

    /// Finds an execution; `None` if the id is unknown or its execution was deleted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError>;

    /// Lists the executions of one user, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError>;

    /// Ends a pending execution as cancelled; asks the worker of a running one to stop it. Idempotent.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError>;

    /// Deletes an execution with its events, tickets and input; `false` if the id is unknown. The
    /// worker of a running one loses its lease and is notified as of a cancellation.
    ///
    /// The streams of its watchers end with [`WatchError::Gone`](crate::WatchError::Gone).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError>;

    /// The position of an execution in the queue, from 1; `None` if it is not pending.
    ///
    /// An estimate: users take turns, so it depends on the submissions of others and on the languages of the workers. Always
    /// `None` unless a store implements it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        let _ = id;
        Ok(None)
    }

    /// Checks whether an execution could be accepted now. Always good unless a store implements it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn check(&self) -> Result<Health, StoreError> {
        Ok(Health::Good)
    }
}

/// The answer to [`ExecutionStore::submit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitReply {
    /// What has become of the submission.
    pub submitted: Submitted,
    /// What its user has used of their quotas then.
    pub usage: QuotaUsage,
}

/// What has become of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The execution was stored and waits for a worker.
    Accepted,
    /// The execution was stored and is running under this lease of the worker that offered to run it. Its first two
    /// events are its submission and its start.
    Leased(Box<Lease>),
    /// The id was stored before: the execution as it is now.
    AlreadyExists(Box<Execution>),
}

/// The answer to [`ExecutionStore::request_cancel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelReply {
    /// The execution was pending and is final now.
    Ended(Box<Execution>),
    /// The execution runs; its worker is asked to stop it.
    Requested(Box<Execution>),
    /// The execution was final before.
    AlreadyFinal(Box<Execution>),
    /// The id is unknown.
    Absent,
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only executions after this cursor; `None` begins at the newest.
    pub before: Option<Cursor>,
    /// The most executions on the page.
    pub limit: usize,
}

/// A position in a list of executions, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The time of the submission.
    pub created_at: OffsetDateTime,
    /// The id, which orders executions of the same time.
    pub id: ExecutionId,
}

/// An execution without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The id.
    pub id: ExecutionId,
    /// The language.
    pub language: Language,
    /// The status that clients see: see [`Progress::reported_status`](crate::Progress::reported_status).
    pub status: Status,
    /// The verdict, if the execution is final.
    pub verdict: Option<Verdict>,
    /// The time of the submission.
    pub created_at: OffsetDateTime,
    /// The time of the last change.
    pub updated_at: OffsetDateTime,
    /// The time of the end, if the execution is final.
    pub completed_at: Option<OffsetDateTime>,
}

impl Summary {
    /// The position in a list.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor {
            created_at: self.created_at,
            id: self.id,
        }
    }
}

impl From<&Execution> for Summary {
    fn from(execution: &Execution) -> Self {
        let progress = execution.progress();
        Self {
            id: execution.id(),
            language: execution.submission().language().clone(),
            status: progress.reported_status(),
            verdict: progress.outcome().map(|outcome| outcome.verdict()),
            created_at: progress.created_at(),
            updated_at: progress.updated_at(),
            completed_at: progress.completed_at(),
        }
    }
}

/// A quota of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Pending executions at a time.
    Pending,
    /// The user's part of what all users [share](crate::SharedBound): pending executions, or the memory of live ones.
    Share,
    /// Submissions in a minute.
    SubmitsPerMinute,
}

/// What a user has used of the quotas for submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuotaUsage {
    /// The submissions that count for the quota of a minute; 0 without such a quota.
    pub submits: u32,
    /// The time until the oldest of them counts no more; zero without any.
    pub submits_reset: Duration,
    /// The pending executions.
    pub pending: u32,
}

/// What a user holds of what the policy bounds, and what others hold of what all users [share](crate::SharedBound).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserUsage {
    /// What counts for the quotas for submissions.
    pub quotas: QuotaUsage,
    /// The running executions, those that wait for input included.
    pub running: u32,
    /// The memory that the live executions occupy.
    pub live_bytes: u64,
    /// The pending executions of all other users.
    pub others_pending: u64,
    /// The memory that the live executions of all other users occupy.
    pub others_live_bytes: u64,
}

/// Says why a call of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The executions of all users leave no room for this one.
    #[error("the store is full")]
    Full {
        /// The time to wait before the next request.
        retry_after: Duration,
    },
    /// The user has used up a quota.
    #[error("a quota of the user is used up")]
    QuotaExceeded {
        /// The quota.
        quota: Quota,
        /// The amount that the quota allows; for a share the pending executions that the user has.
        limit: u32,
        /// The time to wait before the next request.
        retry_after: Duration,
    },
    /// The backend cannot be reached or refuses to work.
    #[error("the store `{backend}` is not available")]
    Unavailable {
        /// The name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
    /// The backend holds a record that is not a possible execution.
    #[error("the store `{backend}` holds a damaged record of `{id}`")]
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

impl StoreError {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Full { .. } => FailureKind::Overloaded,
            Self::QuotaExceeded { .. } => FailureKind::RateLimited,
            Self::Unavailable { .. } => FailureKind::Unavailable,
            Self::Corrupt { .. } => FailureKind::Bug,
        }
    }
}
