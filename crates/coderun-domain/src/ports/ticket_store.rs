//! Keeps one-time tickets, so that a token need not stand in a URL.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{BackendError, ExecutionId, FailureKind, UserId};

/// Keeps one-time tickets for watching one execution.
///
/// It never sees a ticket, only the digest of one. What it keeps goes with the execution when that is deleted.
///
/// Every implementation passes `coderun_conformance::ticket_store_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait TicketStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a ticket for this execution for `lifetime`.
    ///
    /// # Errors
    /// [`TicketError::Absent`] if there is no such execution; [`TicketError::TooMany`] where
    /// [`StorePolicy::TICKETS_MAX`](crate::StorePolicy::TICKETS_MAX) of them are good already;
    /// [`TicketError::Unavailable`].
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError>;

    /// Takes a ticket for this execution away and says whom it admits; `None` if there is none, or not any more. Of many
    /// who ask with the same ticket one is admitted.
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

/// Whom a ticket admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The user.
    pub user: UserId,
    /// When the token with which the ticket was asked for expires: what the ticket opened ends then.
    pub expires_at: OffsetDateTime,
}

/// Why tickets could not be kept or redeemed.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// There is no such execution.
    #[error("there is no such execution")]
    Absent,
    /// As many are good at a time as may be.
    #[error("too many tickets for the execution are unused")]
    TooMany {
        /// When one of them will have expired, at the latest.
        retry_after: Duration,
    },
    /// The backend cannot be reached or refuses to work.
    #[error("the ticket store `{backend}` is not available")]
    Unavailable {
        /// Which one.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl TicketError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Absent => FailureKind::Absent,
            Self::TooMany { .. } => FailureKind::RateLimited,
            Self::Unavailable { .. } => FailureKind::Unavailable,
        }
    }
}
