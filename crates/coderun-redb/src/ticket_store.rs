//! The [`TicketStore`] side of the backend.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError, TicketStore};
use coderun_memory::Ticket;

use crate::RedbBackend;
use crate::backend::BACKEND;
use crate::error::StepFault;

/// Tickets are not written: they are good for seconds, and whoever loses one asks for another.
#[async_trait]
impl TicketStore for RedbBackend {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let admission = admission.clone();
        self.step(move |ledger, now| {
            let ticket = Ticket {
                digest: ticket,
                admission,
                ends_at: now + lifetime,
            };
            ledger.issue(id, ticket, now)
        })
        .await
        .map_err(unavailable)?
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        self.step(move |ledger, now| ledger.redeem(id, ticket, now))
            .await
            .map_err(unavailable)
    }
}

fn unavailable(fault: StepFault) -> TicketError {
    TicketError::Unavailable {
        backend: BACKEND,
        source: Box::new(fault),
    }
}
