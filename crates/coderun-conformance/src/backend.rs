//! Defines the storage ports under test, and the situations in which clauses begin.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{ManualClock, store_policy};
use coderun_domain::{
    ExecutionQueue, ExecutionStore, InputRelay, Lease, Notifier, StorePolicy, TicketStore,
    WorkerRegistry,
};

/// The storage ports over one set of records, which no other backend uses.
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
    /// A value that must live as long as the backend, such as a server process.
    pub guard: Box<dyn Any + Send + Sync>,
}

impl Backend {
    /// A backend of which one value implements every port.
    pub fn over<P>(ports: &P, clock: Arc<ManualClock>, policy: StorePolicy) -> Self
    where
        P: ExecutionStore
            + ExecutionQueue
            + Notifier
            + InputRelay
            + TicketStore
            + WorkerRegistry
            + Clone,
    {
        Self {
            store: Arc::new(ports.clone()),
            queue: Arc::new(ports.clone()),
            notifier: Arc::new(ports.clone()),
            inputs: Arc::new(ports.clone()),
            tickets: Arc::new(ports.clone()),
            registry: Arc::new(ports.clone()),
            clock,
            policy,
            guard: Box::new(()),
        }
    }

    /// Keeps this value as long as the backend, such as a server process.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Box::new(guard);
        self
    }
}

type NewBackend = dyn Fn(Arc<ManualClock>, StorePolicy) -> Pin<Box<dyn Future<Output = Backend> + Send>>
    + Send
    + Sync;

/// A clause that is about to be tried. It panics where the contract is broken.
pub type Clause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes the backends of one clause, by an adapter's constructor.
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

    /// Makes a backend with the bounds that a clause is about. No clause meets the other bounds by accident.
    pub(crate) async fn with(&self, change: impl FnOnce(&mut StorePolicy)) -> Backend {
        let mut policy = StorePolicy {
            user_pending_max: 10_000,
            user_running_max: 10_000,
            user_submits_per_minute: 0,
            no_worker_deadline: Duration::from_hours(24),
            ..store_policy()
        };
        change(&mut policy);
        let clock = Arc::new(ManualClock::default());
        (self.new)(clock, policy).await
    }
}

/// The situation in which a clause begins: the type of its parameter.
pub trait FromSetup<S = Setup>: Sized {
    /// Makes the situation.
    fn from_setup(setup: S) -> impl Future<Output = Self> + Send;

    /// Whether the clause concerns this adapter.
    fn is_concerned(&self) -> bool {
        true
    }
}

impl<S: Send> FromSetup<S> for S {
    async fn from_setup(setup: S) -> Self {
        setup
    }
}

impl FromSetup for Backend {
    async fn from_setup(setup: Setup) -> Self {
        setup.with(|_| {}).await
    }
}

/// A backend that lets each user have two executions running and one pending.
#[derive(Debug)]
pub struct Granting(pub Backend);

impl FromSetup for Granting {
    async fn from_setup(setup: Setup) -> Self {
        let bound = |policy: &mut StorePolicy| {
            policy.user_running_max = 2;
            policy.user_pending_max = 1;
        };
        Self(setup.with(bound).await)
    }
}

/// A backend in which execution 1, of alice, is pending.
#[derive(Debug)]
pub struct Pending(pub Backend);

impl FromSetup for Pending {
    async fn from_setup(setup: Setup) -> Self {
        let backend = Backend::from_setup(setup).await;
        backend.submit(1, "alice").await;
        Self(backend)
    }
}

/// A backend in which execution 1, of alice, is running.
#[derive(Debug)]
pub struct Running {
    /// The backend.
    pub backend: Backend,
    /// The lease of the worker that runs it.
    pub lease: Lease,
}

impl FromSetup for Running {
    async fn from_setup(setup: Setup) -> Self {
        let backend = Backend::from_setup(setup).await;
        let lease = backend.start(1, "alice").await;
        Self { backend, lease }
    }
}

/// A backend in which execution 1, of alice, is running and takes input.
#[derive(Debug)]
pub struct Interactive {
    /// The backend.
    pub backend: Backend,
    /// The lease of the worker that runs it.
    pub lease: Lease,
}

impl FromSetup for Interactive {
    async fn from_setup(setup: Setup) -> Self {
        let backend = Backend::from_setup(setup).await;
        let lease = backend.start_interactive(1, "alice").await;
        Self { backend, lease }
    }
}
