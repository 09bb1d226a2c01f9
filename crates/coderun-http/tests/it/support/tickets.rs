//! Fakes a ticket store in a map, with switches for failures.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError, TicketStore};
use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(crate) struct Tickets {
    valid: Mutex<HashMap<(ExecutionId, TicketDigest), Admission>>,
    down: AtomicBool,
    full: AtomicBool,
}

impl Tickets {
    /// Expires all tickets.
    pub(crate) fn expire(&self) {
        self.valid.lock().clear();
    }

    pub(crate) fn break_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    pub(crate) fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    fn check_reachable(&self) -> Result<(), TicketError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(TicketError::Unavailable {
                backend: "fake",
                source: "connection refused".into(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl TicketStore for Tickets {
    async fn issue(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
        admission: &Admission,
        _lifetime: Duration,
    ) -> Result<(), TicketError> {
        self.check_reachable()?;
        if self.full.load(Ordering::SeqCst) {
            return Err(TicketError::TooMany {
                retry_after: Duration::from_secs(7),
            });
        }
        let mut valid = self.valid.lock();
        valid.insert((id, ticket), admission.clone());
        Ok(())
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        self.check_reachable()?;
        Ok(self.valid.lock().remove(&(id, ticket)))
    }
}
