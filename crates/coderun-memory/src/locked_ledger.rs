//! Guards a ledger with a lock.

use std::fmt;
use std::sync::Arc;

use coderun_domain::{Clock, Health};
use coderun_ledger::{Ledger, LedgerAccess, LedgerConfig, LedgerCounts, StepError};
use parking_lot::Mutex;

/// A ledger behind a lock, and the clock that its steps read. Clones share both.
#[derive(Clone)]
pub struct LockedLedger {
    clock: Arc<dyn Clock>,
    ledger: Arc<Mutex<Ledger>>,
}

impl LockedLedger {
    /// An empty ledger.
    pub(crate) fn new(config: LedgerConfig, clock: Arc<dyn Clock>) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::new(config)));
        Self { clock, ledger }
    }

    /// How much the ledger has of everything that could grow.
    pub(crate) fn counts(&self) -> LedgerCounts {
        self.ledger.lock().counts()
    }
}

impl LedgerAccess for LockedLedger {
    const BACKEND: &'static str = "memory";

    async fn apply<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger) -> T + Send + 'static,
    ) -> Result<T, StepError> {
        Ok(step(self.ledger.lock().at(self.clock.now())))
    }

    fn durability(&self) -> Health {
        Health::limited("state is kept in memory and is gone when the process ends")
    }
}

impl fmt::Debug for LockedLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockedLedger").field(&self.counts()).finish()
    }
}
