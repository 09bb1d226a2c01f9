//! Keeps tickets until they are redeemed or expire.

use std::collections::HashMap;
use std::time::Duration;

use coderun_domain::{Admission, ExecutionId, StorePolicy, TicketDigest, TicketError};
use time::OffsetDateTime;

/// The tickets of all executions; few have any, and none for long.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    by_execution: HashMap<ExecutionId, Vec<Ticket>>,
}

/// One ticket of an execution.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) digest: TicketDigest,
    pub(crate) admission: Admission,
    pub(crate) expires_at: OffsetDateTime,
}

impl Tickets {
    /// Drops the tickets of a deleted execution.
    pub(crate) fn remove(&mut self, id: ExecutionId) {
        self.by_execution.remove(&id);
    }

    pub(crate) fn remove_expired(&mut self, now: OffsetDateTime) {
        self.by_execution.retain(|_, tickets| {
            tickets.retain(|ticket| ticket.expires_at > now);
            !tickets.is_empty()
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.by_execution.values().map(Vec::len).sum()
    }

    pub(crate) fn issue(
        &mut self,
        id: ExecutionId,
        ticket: Ticket,
        now: OffsetDateTime,
    ) -> Result<(), TicketError> {
        let tickets = self.by_execution.entry(id).or_default();
        tickets.retain(|other| other.expires_at > now && other.digest != ticket.digest);
        if tickets.len() >= StorePolicy::TICKETS_MAX {
            let expires_at = tickets
                .iter()
                .map(|ticket| ticket.expires_at)
                .min()
                .unwrap_or(now);
            let retry_after = Duration::try_from(expires_at - now).unwrap_or_default();
            return Err(TicketError::TooMany { retry_after });
        }
        tickets.push(ticket);
        Ok(())
    }

    pub(crate) fn redeem(
        &mut self,
        id: ExecutionId,
        digest: TicketDigest,
        now: OffsetDateTime,
    ) -> Option<Admission> {
        let tickets = self.by_execution.get_mut(&id)?;
        let index = tickets.iter().position(|ticket| ticket.digest == digest)?;
        let ticket = tickets.swap_remove(index);
        if tickets.is_empty() {
            self.by_execution.remove(&id);
        }
        (ticket.expires_at > now).then_some(ticket.admission)
    }
}
