//! The [`TicketStore`] side of the backend.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError, TicketStore};

use crate::{MemoryBackend, Ticket};

#[async_trait]
impl TicketStore for MemoryBackend {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        self.step(|ledger, now| {
            let ticket = Ticket {
                digest: ticket,
                admission: admission.clone(),
                ends_at: now + lifetime,
            };
            ledger.issue(id, ticket, now)
        })
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        Ok(self.step(|ledger, now| ledger.redeem(id, ticket, now)))
    }
}
