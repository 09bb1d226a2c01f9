//! Tickets in a map, with switches for trouble.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{Admission, ExecutionId, TicketDigest, TicketError, TicketStore};

#[derive(Debug, Default)]
pub(crate) struct Tickets {
    good: Mutex<HashMap<(ExecutionId, TicketDigest), Admission>>,
    down: AtomicBool,
    full: AtomicBool,
}

impl Tickets {
    /// Nothing that was handed out is good any more.
    pub(crate) fn expire(&self) {
        self.good.lock().unwrap().clear();
    }

    pub(crate) fn break_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    pub(crate) fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    fn check_up(&self) -> Result<(), TicketError> {
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
        self.check_up()?;
        if self.full.load(Ordering::SeqCst) {
            return Err(TicketError::TooMany {
                retry_after: Duration::from_secs(7),
            });
        }
        let mut good = self.good.lock().unwrap();
        good.insert((id, ticket), admission.clone());
        Ok(())
    }

    async fn redeem(
        &self,
        id: ExecutionId,
        ticket: TicketDigest,
    ) -> Result<Option<Admission>, TicketError> {
        self.check_up()?;
        Ok(self.good.lock().unwrap().remove(&(id, ticket)))
    }
}
