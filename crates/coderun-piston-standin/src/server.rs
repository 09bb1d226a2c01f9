//! Connections, and what becomes of each request on them.

mod request;
mod routes;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::ByteSize;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::Resetter;
use crate::counters::Counters;
use crate::execution::Executor;
use crate::fault_script::FaultScript;
use crate::{PistonLimits, RequiredHeader, Runtime};

/// After how long without a request Node.js closes a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) executor: Executor,
    pub(crate) limits: PistonLimits,
    pub(crate) body_limit: ByteSize,
    pub(crate) authorization: Option<RequiredHeader>,
    pub(crate) latency: Duration,
    pub(crate) faults: FaultScript,
    pub(crate) counters: Counters,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Service {
    /// Starts a task that ends with the stand-in, whoever waits for it.
    fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks
            .spawn(async move { stop.run_until_cancelled_owned(task).await })
    }
}

/// Accepts connections until the stand-in is stopped.
pub(crate) async fn listen(listener: TcpListener, service: Arc<Service>) {
    let stop = service.stop.clone();
    let accepting = async {
        loop {
            // What fails is this connection, or there are too many; either way the next may do.
            if let Ok((stream, _)) = listener.accept().await {
                let connection = serve(stream, Arc::clone(&service));
                drop(service.spawn(connection));
            }
        }
    };
    stop.run_until_cancelled(accepting).await;
}

async fn serve(stream: TcpStream, service: Arc<Service>) {
    if let Err(error) = try_serve(stream, service).await {
        tracing::debug!(error = &*error, "a connection failed");
    }
}

async fn try_serve(
    stream: TcpStream,
    service: Arc<Service>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let resetter = Resetter::new(stream.as_fd())?;
    let answer = service_fn(|request| routes::answer(&service, request, &resetter));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE)
        .serve_connection(TokioIo::new(stream), answer)
        .await?;
    Ok(())
}
