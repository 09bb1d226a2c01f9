//! One-time tickets: what may stand in a URL in place of a token.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::{Admission, ExecutionId, FailureKind, Principal, TicketDigest, TicketError};
use sha2::{Digest as _, Sha256};

use super::{AccessError, Executions};

/// How long a ticket is good.
const LIFETIME: Duration = Duration::from_secs(30);
/// The length of 256 bits in base64url.
const TICKET_LENGTH: usize = 43;

/// A ticket for its owner's eyes. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedTicket {
    /// The ticket: 43 characters of base64url.
    pub ticket: String,
    /// For how long it is good.
    pub expires_in: Duration,
}

impl fmt::Debug for IssuedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTicket")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketIssueError {
    /// The user does not get at the execution.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// It could not be kept.
    #[error(transparent)]
    Ticket(#[from] TicketError),
}

impl TicketIssueError {
    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Access(error) => error.kind(),
            Self::Ticket(error) => error.kind(),
        }
    }
}

impl Executions {
    /// Makes a ticket with which an execution of the user can be watched once, within 30 seconds, and for no longer than the
    /// user's token is good.
    ///
    /// # Errors
    /// [`TicketIssueError`] if there is no such execution, it is another user's, or the ticket cannot be kept.
    pub async fn issue_ticket(
        &self,
        principal: &Principal,
        id: ExecutionId,
    ) -> Result<IssuedTicket, TicketIssueError> {
        self.read(&principal.user, id).await?;
        let ticket = URL_SAFE_NO_PAD.encode(self.ports.ids.secret());
        let admission = Admission {
            user: principal.user.clone(),
            expires_at: principal.expires_at,
        };
        self.ports
            .tickets
            .issue(id, digest(&ticket), &admission, LIFETIME)
            .await?;
        Ok(IssuedTicket {
            ticket,
            expires_in: LIFETIME,
        })
    }

    /// Redeems a ticket for watching this execution: whom it admits, or `None` if it is not good, or not any more.
    ///
    /// # Errors
    /// [`TicketError::Unavailable`].
    pub async fn admit(
        &self,
        id: ExecutionId,
        ticket: &str,
    ) -> Result<Option<Admission>, TicketError> {
        if ticket.len() != TICKET_LENGTH {
            return Ok(None);
        }
        self.ports.tickets.redeem(id, digest(ticket)).await
    }
}

fn digest(ticket: &str) -> TicketDigest {
    TicketDigest::from_bytes(Sha256::digest(ticket).into())
}
