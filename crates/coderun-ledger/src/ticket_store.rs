//! Implements the [`TicketStore`].

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError, TicketStore};

use crate::access::LedgerAccess;
use crate::backend::LedgerBackend;
use crate::ledger::{Ledger, Ticket};

/// Tickets are never durable: they are valid for seconds, and a client that loses its ticket asks for another.
#[async_trait]
impl<A: LedgerAccess> TicketStore for LedgerBackend<A> {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let admission = admission.clone();
        let issue = move |ledger: &mut Ledger| {
            ledger.find(id).ok_or(TicketError::Absent)?;
            let ticket = Ticket {
                digest: ticket,
                admission,
                expires_at: ledger.now + lifetime,
            };
            ledger.tickets.issue(id, ticket, ledger.now)
        };
        self.step("issue_ticket", issue).await
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        let redeem = move |ledger: &mut Ledger| {
            let exists = ledger.find(id).is_some();
            let admission = exists.then(|| ledger.tickets.redeem(id, ticket, ledger.now));
            Ok(admission.flatten())
        };
        self.step("redeem_ticket", redeem).await
    }
}
