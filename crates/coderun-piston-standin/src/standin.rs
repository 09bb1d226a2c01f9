//! The stand-in itself: what a test holds.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::counters::Counters;
use crate::execution::Executor;
use crate::fault_script::FaultScript;
use crate::server::{self, Service};
use crate::{Endpoint, Runtime, StandinOptions, Turn};

/// A running stand-in. Soon after it is dropped, its connections are closed, its programs are killed and nobody listens.
#[derive(Debug)]
pub struct PistonStandin {
    address: SocketAddr,
    service: Arc<Service>,
    _stop: DropGuard,
}

impl PistonStandin {
    /// Starts one on 127.0.0.1, served by the runtime that this is called from.
    ///
    /// # Errors
    /// When it cannot listen, or the machine cannot be looked at for a sandbox.
    pub async fn start(options: StandinOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let executor = Executor::start(&options).await?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let service = Arc::new(Service {
            runtimes: options
                .runtimes
                .unwrap_or_else(|| executor.default_runtimes()),
            executor,
            limits: options.limits,
            body_limit: options.body_limit,
            authorization: options.authorization,
            latency: options.latency,
            faults: FaultScript::default(),
            counters: Counters::new(),
            stop: stop.clone(),
            tasks: tasks.clone(),
        });
        tasks.spawn(server::listen(listener, Arc::clone(&service)));
        Ok(Self {
            address,
            service,
            _stop: stop.drop_guard(),
        })
    }

    /// Where it listens, such as `http://127.0.0.1:2000`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it offers.
    #[must_use]
    pub fn runtimes(&self) -> &[Runtime] {
        &self.service.runtimes
    }

    /// Gives the next requests to an endpoint these turns, after those that were given before.
    pub fn fail_next<T: Into<Turn>>(&self, endpoint: Endpoint, turns: impl IntoIterator<Item = T>) {
        let turns = turns.into_iter().map(Into::into);
        self.service.faults.add(endpoint, turns);
    }

    /// Gives all requests to an endpoint this turn, once those of [`fail_next`](Self::fail_next) are over.
    pub fn fail_always(&self, endpoint: Endpoint, turn: impl Into<Turn>) {
        self.service.faults.always(endpoint, turn.into());
    }

    /// Takes back all faults that were not met yet. What hangs goes on hanging.
    pub fn recover(&self) {
        self.service.faults.clear();
    }

    /// How many requests came for exactly this path, such as `/api/v2/execute`, whatever their answer.
    #[must_use]
    pub fn requests(&self, path: &str) -> u64 {
        self.service.counters.requests(path)
    }

    /// How many programs were really begun; a fixed answer counts as a program.
    #[must_use]
    pub fn executions_begun(&self) -> u64 {
        *self.service.counters.begun().borrow()
    }

    /// How many of them have ended, rather than being given up.
    #[must_use]
    pub fn executions_ended(&self) -> u64 {
        *self.service.counters.ended().borrow()
    }

    /// Waits until so many programs were begun since the start. Cancel-safe.
    pub async fn wait_for_begun(&self, count: u64) {
        let mut begun = self.service.counters.begun();
        // The sender lives as long as this does.
        drop(begun.wait_for(|begun| *begun >= count).await);
    }

    /// Waits until so many programs have ended since the start. Cancel-safe.
    pub async fn wait_for_ended(&self, count: u64) {
        let mut ended = self.service.counters.ended();
        drop(ended.wait_for(|ended| *ended >= count).await);
    }

    /// The body of the last request to `/execute`, or its head up to the body limit.
    #[must_use]
    pub fn last_execute_body(&self) -> Option<Bytes> {
        self.service.counters.last_execute_body()
    }
}
