//! The tickets that are good now.

use std::collections::HashMap;
use std::time::Duration;

use coderun_domain::{Admission, ExecutionId, StorePolicy, TicketDigest, TicketError};
use time::OffsetDateTime;

use super::Ledger;

/// The tickets of all executions; few have any, and none for long.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    of: HashMap<ExecutionId, Vec<Ticket>>,
}

/// A ticket for one execution.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) digest: TicketDigest,
    pub(crate) admission: Admission,
    pub(crate) expires_at: OffsetDateTime,
}

impl Tickets {
    /// Drops those of an execution that is no more.
    pub(crate) fn remove(&mut self, id: ExecutionId) {
        self.of.remove(&id);
    }

    /// Drops those whose lifetime is over.
    pub(crate) fn forget(&mut self, now: OffsetDateTime) {
        self.of.retain(|_, tickets| {
            tickets.retain(|ticket| ticket.expires_at > now);
            !tickets.is_empty()
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.of.values().map(Vec::len).sum()
    }

    fn issue(
        &mut self,
        id: ExecutionId,
        ticket: Ticket,
        now: OffsetDateTime,
    ) -> Result<(), TicketError> {
        let tickets = self.of.entry(id).or_default();
        tickets.retain(|other| other.expires_at > now && other.digest != ticket.digest);
        if tickets.len() >= StorePolicy::TICKETS_MAX {
            let expires_at = tickets.iter().map(|it| it.expires_at).min().unwrap_or(now);
            let retry_after = Duration::try_from(expires_at - now).unwrap_or_default();
            return Err(TicketError::TooMany { retry_after });
        }
        tickets.push(ticket);
        Ok(())
    }

    fn redeem(
        &mut self,
        id: ExecutionId,
        digest: TicketDigest,
        now: OffsetDateTime,
    ) -> Option<Admission> {
        let tickets = self.of.get_mut(&id)?;
        let place = tickets.iter().position(|ticket| ticket.digest == digest)?;
        let ticket = tickets.swap_remove(place);
        if tickets.is_empty() {
            self.of.remove(&id);
        }
        (ticket.expires_at > now).then_some(ticket.admission)
    }
}

impl Ledger {
    /// Keeps a ticket for an execution that is there.
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

    /// Takes a ticket away, and says whom it admits if it is good.
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
