//! What an adapter brings, and what a clause makes of it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use coderun_domain::testing::{ManualClock, store_policy};
use coderun_domain::{
    ExecutionQueue, ExecutionStore, InputRelay, Notifier, StorePolicy, TicketStore, WorkerRegistry,
};

/// The storage ports over one set of records that nobody else uses.
#[derive(Debug)]
pub struct Backend {
    /// The store.
    pub store: Arc<dyn ExecutionStore>,
    /// The queue over the same records.
    pub queue: Arc<dyn ExecutionQueue>,
    /// The notifier over the same records.
    pub notifier: Arc<dyn Notifier>,
    /// The input of the same executions.
    pub inputs: Arc<dyn InputRelay>,
    /// The tickets for the same executions.
    pub tickets: Arc<dyn TicketStore>,
    /// The registry of the workers that take from the queue.
    pub registry: Arc<dyn WorkerRegistry>,
    /// The clock that all of them read.
    pub clock: Arc<ManualClock>,
    /// The policy that all of them enforce.
    pub policy: StorePolicy,
    /// Whatever is to live as long as the backend, such as a server process.
    pub guard: Box<dyn Any + Send + Sync>,
}

type NewBackend = dyn Fn(Arc<ManualClock>, StorePolicy) -> Pin<Box<dyn Future<Output = Backend> + Send>>
    + Send
    + Sync;

/// A clause that is about to be tried. It panics where the contract is broken.
pub type Clause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An adapter's constructor, in the hands of a clause.
pub struct Setup {
    new: Box<NewBackend>,
}

impl Setup {
    /// Wraps a constructor. Each call of it makes a backend with records of its own.
    pub fn new<F, Made>(new: F) -> Self
    where
        F: Fn(Arc<ManualClock>, StorePolicy) -> Made + Send + Sync + 'static,
        Made: Future<Output = Backend> + Send + 'static,
    {
        Self {
            new: Box::new(move |clock, policy| Box::pin(new(clock, policy))),
        }
    }

    /// A backend whose bounds no clause meets by accident.
    pub(crate) async fn backend(&self) -> Backend {
        self.backend_with(|_| {}).await
    }

    /// A backend with the bounds that a clause is about.
    pub(crate) async fn backend_with(&self, change: impl FnOnce(&mut StorePolicy)) -> Backend {
        let mut policy = StorePolicy {
            user_pending_max: 10_000,
            user_running_max: 10_000,
            user_submits_per_minute: 0,
            ..store_policy()
        };
        change(&mut policy);
        let clock = Arc::new(ManualClock::default());
        (self.new)(clock, policy).await
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup")
    }
}
