//! Issues and redeems the tickets of executions that exist.

use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError};
use time::OffsetDateTime;

use super::Ledger;
use super::tickets::Ticket;

impl Ledger {
    /// Keeps a ticket for an execution.
    pub(crate) fn issue(
        &mut self,
        id: ExecutionId,
        ticket: Ticket,
        now: OffsetDateTime,
    ) -> Result<(), TicketError> {
        if self.find(id, now).is_none() {
            return Err(TicketError::Absent);
        }
        self.tickets.issue(id, ticket, now)
    }

    /// Takes a ticket away, and answers whom it admits if it is valid.
    pub(crate) fn redeem(
        &mut self,
        id: ExecutionId,
        digest: TicketDigest,
        now: OffsetDateTime,
    ) -> Option<Admission> {
        self.find(id, now)?;
        self.tickets.redeem(id, digest, now)
    }
}
