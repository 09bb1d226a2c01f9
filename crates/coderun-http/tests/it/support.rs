//! Starts a server on port 0 with fakes behind its ports, and makes requests to it.

pub(crate) mod backend;
pub(crate) mod event_source;
pub(crate) mod frames;
pub(crate) mod page;
pub(crate) mod raw;
pub(crate) mod relay;
pub(crate) mod request;
pub(crate) mod socket;
pub(crate) mod specification;
pub(crate) mod tickets;
pub(crate) mod verifier;

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use coderun_app::{Executions, ExecutionsPorts, Fleet, Readiness, ReadinessPorts};
use coderun_domain::testing::{
    ManualClock, SequentialIds, limit_policy, store_policy, submission_policy, worker_offer,
};
use coderun_domain::{
    ExecutionId, ExecutionStore, Health, MockExecutionQueue, MockWorkerRegistry, Notifier,
};
use coderun_http::{Drain, HttpConfig, HttpPorts, SignIn, serve};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use backend::Backend;
use relay::Relay;
use tickets::Tickets;
use verifier::NameVerifier;

pub(crate) use request::Answer;

/// The longest wait of any test: nothing takes nearly as long unless it is broken.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Server {
    pub(crate) backend: Arc<Backend>,
    pub(crate) verifier: Arc<NameVerifier>,
    pub(crate) relay: Arc<Relay>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) address: SocketAddr,
    /// The drain signals of the server.
    pub(crate) drain: Drain,
    /// Makes readiness report that the process is draining.
    pub(crate) not_ready: CancellationToken,
    pub(crate) client: reqwest::Client,
    tasks: TaskTracker,
}

impl Server {
    /// A server with the default settings.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// A server with a pending execution of `alice`.
    pub(crate) fn pending() -> (Self, ExecutionId) {
        Self::start().having(Backend::pending)
    }

    /// A server with a running execution of `alice`.
    pub(crate) fn running() -> (Self, ExecutionId) {
        Self::start().having(Backend::running)
    }

    /// A server with an execution of `alice` that ended well.
    pub(crate) fn finished() -> (Self, ExecutionId) {
        Self::start().having(Backend::finished)
    }

    fn having(self, execution: fn(&Backend) -> ExecutionId) -> (Self, ExecutionId) {
        let id = execution(&self.backend);
        (self, id)
    }

    /// A server with changed settings.
    pub(crate) fn with(change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::with_sign_in(None, change)
    }

    /// The same, with this sign-in on the page.
    pub(crate) fn with_sign_in(
        sign_in: impl Into<Option<SignIn>>,
        change: impl FnOnce(&mut HttpConfig),
    ) -> Self {
        let fleet = no_worker().with_worker(worker_offer("w1"));
        Self::build(None, fleet, sign_in.into(), change)
    }

    /// A server that knows these workers.
    pub(crate) fn with_fleet(fleet: Fleet) -> Self {
        Self::with_fleet_and(fleet, |_| {})
    }

    /// The same, with changed settings.
    pub(crate) fn with_fleet_and(fleet: Fleet, change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::build(None, fleet, None, change)
    }

    /// A server over another store.
    pub(crate) fn with_store(store: Arc<dyn ExecutionStore>) -> Self {
        let fleet = no_worker().with_worker(worker_offer("w1"));
        Self::build(Some(store), fleet, None, |_| {})
    }

    fn build(
        store: Option<Arc<dyn ExecutionStore>>,
        fleet: Fleet,
        sign_in: Option<SignIn>,
        change: impl FnOnce(&mut HttpConfig),
    ) -> Self {
        let mut config = HttpConfig {
            version: "1.2.3".to_owned(),
            workers: 2,
            ..HttpConfig::default()
        };
        change(&mut config);
        let (backend, verifier) = (Arc::<Backend>::default(), Arc::<NameVerifier>::default());
        let (relay, tickets) = (Arc::<Relay>::default(), Arc::<Tickets>::default());
        let (drain, not_ready) = (Drain::default(), CancellationToken::new());
        let clock = Arc::new(ManualClock::default());
        let store = store.unwrap_or_else(|| Arc::clone(&backend) as _);
        let readiness = readiness(&store, &not_ready);
        let executions = ExecutionsPorts {
            store,
            notifier: Arc::clone(&backend) as Arc<dyn Notifier>,
            inputs: Arc::clone(&relay) as _,
            tickets: Arc::clone(&tickets) as _,
            clock: Arc::clone(&clock) as _,
            ids: Arc::new(SequentialIds::default()),
            fleet: Arc::new(fleet),
        };
        let executions = Executions::new(executions, submission_policy(), store_policy());
        let ports = HttpPorts {
            executions: Arc::new(executions),
            verifier: Arc::clone(&verifier) as _,
            readiness: Arc::new(readiness),
            clock,
            sign_in,
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tasks = TaskTracker::new();
        tasks.spawn(serve(listener, config, ports, drain.clone()).unwrap());
        Self {
            backend,
            verifier,
            relay,
            tickets,
            address,
            drain,
            not_ready,
            client: client(),
            tasks,
        }
    }

    /// Ends the server and waits until it has ended.
    pub(crate) async fn stop(self) {
        self.drain.end.cancel();
        self.tasks.close();
        in_time(self.tasks.wait()).await;
    }
}

/// The readiness of this store and a working queue.
pub(crate) fn readiness(
    store: &Arc<dyn ExecutionStore>,
    draining: &CancellationToken,
) -> Readiness {
    let mut queue = MockExecutionQueue::new();
    queue.expect_check().returning(|| Ok(Health::Good));
    let ports = ReadinessPorts {
        store: Arc::clone(store),
        queue: Arc::new(queue),
        runners: None,
        verifier: None,
    };
    Readiness::new(ports, draining.clone())
}

/// A fleet without any known worker.
pub(crate) fn no_worker() -> Fleet {
    Fleet::new(Arc::new(MockWorkerRegistry::new()), limit_policy())
}

/// A client for any server.
pub(crate) fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
    builder.build().unwrap()
}

/// Waits for a future, within the timeout.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future)
        .await
        .expect("it takes too long")
}

/// Waits until the condition holds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    until_async(async || condition()).await;
}

/// Waits until the asynchronous condition holds.
pub(crate) async fn until_async(mut condition: impl AsyncFnMut() -> bool) {
    in_time(async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
