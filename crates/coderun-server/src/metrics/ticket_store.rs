//! How long tickets take.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError, TicketStore};

use super::timing::Timing;

/// A ticket store whose calls are recorded.
#[derive(Debug)]
pub(crate) struct MeasuredTicketStore {
    inner: Arc<dyn TicketStore>,
    issue: Timing,
    redeem: Timing,
}

impl MeasuredTicketStore {
    pub(crate) fn new(inner: Arc<dyn TicketStore>, backend: &'static str) -> Self {
        let timing = |operation| Timing::new(backend, operation);
        Self {
            inner,
            issue: timing("issue_ticket"),
            redeem: timing("redeem_ticket"),
        }
    }
}

#[async_trait]
impl TicketStore for MeasuredTicketStore {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let call = self.inner.issue(id, ticket, admission, lifetime);
        self.issue.of(call).await
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        self.redeem.of(self.inner.redeem(id, ticket)).await
    }
}
