//! Keeps one-time tickets, so that a token need not stand in a URL.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{BackendError, ExecutionId, FailureKind, UserId};

/// Keeps one-time tickets for watching one execution.
///
/// It never sees a ticket, only its digest. Tickets are deleted with their execution.
///
/// Every implementation passes `coderun_conformance::ticket_store_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TicketStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a ticket for this execution for `lifetime`.
    ///
    /// # Errors
    /// [`TicketError::Absent`] if the execution does not exist; [`TicketError::TooMany`] if
    /// [`StorePolicy::TICKETS_MAX`](crate::StorePolicy::TICKETS_MAX) of them are valid already;
    /// [`TicketError::Unavailable`].
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError>;

    /// Uses up a ticket for this execution; `None` if it is invalid, already used or expired. Of several
    /// calls with the same ticket one succeeds.
    ///
    /// # Errors
    /// [`TicketError::Unavailable`]: the ticket may be used up.
    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError>;
}

/// The SHA-256 digest of a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TicketDigest([u8; 32]);

impl TicketDigest {
    /// Wraps a digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TicketDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketDigest")
    }
}

/// The permission of a user to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The user.
    pub user: UserId,
    /// The time at which watching ends: the expiry of the token.
    pub expires_at: OffsetDateTime,
}

/// Says why a call of the ticket store failed.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// The execution does not exist.
    #[error("there is no such execution")]
    Absent,
    /// Too many tickets for the execution are valid.
    #[error("too many tickets for the execution are unused")]
    TooMany {
        /// The time until one of them has expired.
        retry_after: Duration,
    },
    /// The backend cannot be reached or refuses to work.
    #[error("the ticket store `{backend}` is not available")]
    Unavailable {
        /// The name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl TicketError {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Absent => FailureKind::Absent,
            Self::TooMany { .. } => FailureKind::RateLimited,
            Self::Unavailable { .. } => FailureKind::Unavailable,
        }
    }
}
