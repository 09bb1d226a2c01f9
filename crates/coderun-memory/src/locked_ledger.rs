//! Guards a ledger with a lock.

use std::fmt;
use std::sync::Arc;

use coderun_domain::{Clock, Health};
use coderun_ledger::{Ledger, LedgerAccess, LedgerConfig, LedgerCounts, StepError, ledger_time};
use parking_lot::Mutex;
use time::OffsetDateTime;

/// A ledger behind a lock, and the clock that its steps read. Clones share both.
#[derive(Clone)]
pub struct LockedLedger {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    ledger: Mutex<Ledger>,
}

impl LockedLedger {
    /// An empty ledger.
    pub(crate) fn new(config: LedgerConfig, clock: Arc<dyn Clock>) -> Self {
        let ledger = Mutex::new(Ledger::new(config));
        Self {
            shared: Arc::new(Shared { clock, ledger }),
        }
    }

    /// How much the ledger has of everything that could grow.
    pub(crate) fn counts(&self) -> LedgerCounts {
        self.shared.ledger.lock().counts()
    }
}

impl LedgerAccess for LockedLedger {
    const BACKEND: &'static str = "memory";

    async fn apply<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let now = ledger_time(&*self.shared.clock);
        Ok(step(&mut self.shared.ledger.lock(), now))
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
