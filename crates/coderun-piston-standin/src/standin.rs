//! Starts, scripts and observes a stand-in.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::behavior::Script;
use crate::connection::serve;
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::{Behavior, Reply, Request, Runtime, StandinOptions};

/// A running stand-in. Dropping it closes its connections and kills its programs.
#[derive(Debug)]
pub struct PistonStandin {
    address: SocketAddr,
    service: Arc<Service>,
    _tasks: JoinSet<()>,
}

impl PistonStandin {
    /// Starts to listen on 127.0.0.1, on the current runtime.
    ///
    /// # Errors
    /// When it cannot listen or the sandbox cannot start.
    pub async fn start(mut options: StandinOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let sandbox = match options.sandbox.take() {
            Some(config) => {
                Some(Sandbox::start(config, options.limits.output_max_size_bytes).await?)
            }
            None => None,
        };
        let runtimes = options.runtimes.take().unwrap_or_else(|| match &sandbox {
            Some(sandbox) => Runtime::of_sandbox(&sandbox.languages()),
            None => Runtime::stock(),
        });
        let service = Arc::new(Service {
            options,
            runtimes,
            sandbox,
            script: Mutex::default(),
            runtimes_reply: Mutex::default(),
            requests: watch::Sender::default(),
            running: AtomicUsize::new(0),
            released: watch::Sender::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&service)));
        Ok(Self {
            address,
            service,
            _tasks: tasks,
        })
    }

    /// The address, such as `http://127.0.0.1:2000`, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base of the API, such as `http://127.0.0.1:2000/api/v2`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v2", self.url())
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scripts the next programs, after those that were scripted before.
    pub fn script<T: Into<Behavior>>(&self, behaviors: impl IntoIterator<Item = T>) {
        let behaviors = behaviors.into_iter().map(Into::into);
        self.service.script.lock().next.extend(behaviors);
    }

    /// Scripts all programs after those of [`script`](Self::script).
    pub fn script_all(&self, behavior: impl Into<Behavior>) {
        self.service.script.lock().then = behavior.into();
    }

    /// Answers `/runtimes` with this.
    pub fn script_runtimes(&self, reply: Reply) {
        *self.service.runtimes_reply.lock() = Some(reply);
    }

    /// Forgets all scripts.
    pub fn recover(&self) {
        *self.service.script.lock() = Script::default();
        *self.service.runtimes_reply.lock() = None;
    }

    /// Lets programs run that are held, now and later.
    pub fn release(&self) {
        self.service.released.send_replace(true);
    }

    /// The first 10 000 requests.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.service.requests.borrow().clone()
    }

    /// Those of the first 10 000 requests that asked for a program and were not refused, whatever their answer.
    #[must_use]
    pub fn programs(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.is_program);
        requests
    }

    /// Waits until this many programs have come. Cancel-safe.
    pub async fn wait_for_programs(&self, count: usize) {
        let have_come = |requests: &Vec<Request>| {
            requests.iter().filter(|request| request.is_program).count() >= count
        };
        // The sender lives as long as the service.
        drop(self.service.requests.subscribe().wait_for(have_come).await);
    }

    /// How many programs are in the sandbox now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.service.running.load(Ordering::Acquire)
    }
}

/// Serves connections until it is aborted, which ends them too.
async fn accept(listener: TcpListener, service: Arc<Service>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&service)));
                }
            }
            Some(ended) = connections.join_next() => {
                if let Ok(Err(error)) = ended {
                    tracing::debug!(%error, "connection failed");
                }
            }
        }
    }
}
