//! Keeps executions: accepts, finds, lists, cancels and deletes them.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    BackendError, Execution, ExecutionId, FailureKind, Health, Language, Status, UserId, Verdict,
};

/// Keeps executions and what happened to them.
///
/// Every implementation passes `coderun_conformance::execution_store_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ExecutionStore: fmt::Debug + Send + Sync + 'static {
    /// Accepts a new execution: record, waiting place, quota and first event in one step, or nothing at all.
    ///
    /// Idempotent: the same id again is answered with what is there and uses no quota. Whose that is, is for the
    /// caller to look at where ids can be chosen.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::QuotaExceeded`], [`StoreError::Unavailable`], [`StoreError::Corrupt`]. After `Unavailable` it may
    /// have been accepted: only the same id may be submitted again.
    async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError>;

    /// Finds an execution; `None` if there is none with this id, or none any more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError>;

    /// Lists the executions of one user, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError>;

    /// Ends a waiting execution as cancelled at once; asks the worker of a running one to stop it. Idempotent.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError>;

    /// Deletes the execution now, with its events, its tickets and what was sent to it; `false` if there was none. The
    /// worker of a running one loses its lease and is told so as of a cancellation.
    ///
    /// Watchers of it are told with [`WatchError::Gone`](crate::WatchError::Gone).
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError>;

    /// The place of an execution among those that wait, from 1; `None` where it does not wait or is not there.
    ///
    /// An estimate: users take turns, so that it depends on what others submit and on which languages workers have.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError>;

    /// Whether an execution could be accepted now, as far as the backend can tell.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn check(&self) -> Result<Health, StoreError>;
}

/// What became of [`ExecutionStore::submit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// It is new, and now stored.
    Accepted,
    /// The id is there already: the execution as it stands now.
    AlreadyExists(Box<Execution>),
}

/// What became of [`ExecutionStore::request_cancel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelReply {
    /// It waited and is final now.
    Ended(Box<Execution>),
    /// It runs; its worker is asked to stop it.
    Requested(Box<Execution>),
    /// It was final already.
    AlreadyFinal(Box<Execution>),
    /// There is none with this id.
    Absent,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this; `None` begins at the newest.
    pub before: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
}

/// A place in a list of executions, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When the execution there was submitted.
    pub created_at: OffsetDateTime,
    /// Which one it is, among those submitted at the same time.
    pub id: ExecutionId,
}

/// An execution without its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which one.
    pub id: ExecutionId,
    /// Its language.
    pub language: Language,
    /// The status that clients see: see [`Progress::reported_status`](crate::Progress::reported_status).
    pub status: Status,
    /// How it ended, once it has.
    pub verdict: Option<Verdict>,
    /// When it was submitted.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// When it ended, once it has.
    pub completed_at: Option<OffsetDateTime>,
}

impl Summary {
    /// Its place in a list.
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

/// A bound on what one user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Executions that wait at a time.
    Pending,
    /// Submissions in a minute.
    SubmitsPerMinute,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many executions wait, of all users.
    #[error("too many executions are waiting")]
    Full {
        /// When to ask again.
        retry_after: Duration,
    },
    /// This user has used up a quota.
    #[error("a quota of the user is used up")]
    QuotaExceeded {
        /// Which one.
        quota: Quota,
        /// How much it allows.
        limit: u32,
        /// When to ask again.
        retry_after: Duration,
    },
    /// The backend cannot be reached or refuses to work.
    #[error("the store `{backend}` is not available")]
    Unavailable {
        /// Which one.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
    /// The backend holds something that cannot be an execution.
    #[error("the store `{backend}` holds a damaged record of `{id}`")]
    Corrupt {
        /// Which backend.
        backend: &'static str,
        /// Which execution.
        id: ExecutionId,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// What it means to whoever asked.
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
