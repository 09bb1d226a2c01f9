//! Issues and redeems one-time tickets, which stand in a URL in place of a token.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::{Admission, ExecutionId, FailureKind, Principal, TicketDigest, TicketError};
use sha2::{Digest as _, Sha256};

use super::{AccessError, Executions};

/// The time for which a ticket is valid.
const LIFETIME: Duration = Duration::from_secs(30);
/// The characters of 256 bits in base64url.
const TICKET_LENGTH: usize = 43;

/// A ticket for its owner. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedTicket {
    /// The ticket: 43 characters of base64url.
    pub ticket: String,
    /// The time for which it is valid.
    pub expires_in: Duration,
}

impl fmt::Debug for IssuedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTicket")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Says why a ticket was not issued.
#[derive(Debug, thiserror::Error)]
pub enum TicketIssueError {
    /// The user cannot access the execution.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The ticket store refused the ticket or failed.
    #[error(transparent)]
    Ticket(#[from] TicketError),
}

impl TicketIssueError {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Access(error) => error.kind(),
            Self::Ticket(error) => error.kind(),
        }
    }
}

impl Executions {
    /// Issues a ticket for watching an execution of the user: valid once, for 30 seconds. The watcher is admitted until the
    /// user's token expires.
    ///
    /// # Errors
    /// [`TicketIssueError`] if the execution does not exist or belongs to another user, or the ticket store refuses.
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

    /// Redeems a ticket for watching this execution; `None` if it is invalid, already used or expired.
    ///
    /// # Errors
    /// [`TicketError::Unavailable`].
    pub async fn redeem_ticket(
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
