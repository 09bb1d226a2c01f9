//! Runs steps on a ledger, wherever the ledger lives.

use std::fmt;
use std::future::Future;

use coderun_domain::{
    BackendError, Health, InputError, QueueError, RegistryError, StoreError, TicketError,
    WatchError,
};

use crate::Ledger;

/// Gives one step at a time access to a ledger.
///
/// Clones share their ledger. A step is a closure that gets the ledger, with the present time set by [`Ledger::at`]. It
/// runs whole or not at all, and never waits.
pub trait LedgerAccess: fmt::Debug + Clone + Send + Sync + 'static {
    /// What the backend is called in errors.
    const BACKEND: &'static str;

    /// Runs a step, and answers once its changes are as durable as this backend makes them.
    ///
    /// A group of steps is a closure that runs all of them: it costs one write, and no other step comes in between. See
    /// [`apply_all`](LedgerAccess::apply_all).
    ///
    /// # Errors
    /// [`StepError`]: the step may have been done.
    fn apply<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger) -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, StepError>> + Send;

    /// Runs a group of steps in order as one step, and answers each.
    ///
    /// # Errors
    /// [`StepError`]: the steps may have been done, either all of them or none.
    fn apply_all<S, T>(
        &self,
        steps: Vec<S>,
    ) -> impl Future<Output = Result<Vec<T>, StepError>> + Send
    where
        S: FnOnce(&mut Ledger) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.apply(move |ledger| steps.into_iter().map(|step| step(ledger)).collect())
    }

    /// How well this backend keeps what it accepts.
    fn durability(&self) -> Health;

    /// Finishes the steps that were asked for and gives everything back that the backend holds. Idempotent.
    fn close(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Says that a backend could not run a step, or cannot say whether it did.
#[derive(Debug)]
pub struct StepError {
    /// What the backend is called.
    pub backend: &'static str,
    /// The cause.
    pub source: BackendError,
}

/// Maps a failed step to the error of each port.
macro_rules! unavailable {
    ($($error:ident),+) => { $(
        impl From<StepError> for $error {
            fn from(StepError { backend, source }: StepError) -> Self {
                Self::Unavailable { backend, source }
            }
        }
    )+ };
}

unavailable!(
    InputError,
    QueueError,
    RegistryError,
    StoreError,
    TicketError,
    WatchError
);
