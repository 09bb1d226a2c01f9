//! Serves metrics and a liveness check for operators, on an address of its own.
//!
//! So it is never exposed together with the API, and answers for as long as the process lives, also while it drains. It knows
//! no users and changes nothing.

mod page;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdTcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::metrics::{Metrics, Probes};
use crate::settings::{AdminAddress, Settings};
use page::Pages;

/// The address without `ADMIN_ADDR`.
const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9001);
/// Connections at a time; more of them wait.
const CONNECTIONS_MAX: usize = 8;
/// The longest life of a connection, which serves one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for the head of the request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);
/// Durations are sorted into their buckets this often.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);
/// A listener that has failed is likely to fail again at once, for example for lack of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// The largest head of a request.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// A bound listener, and the recorder of metrics.
#[derive(Debug)]
pub(crate) struct AdminListener {
    listener: StdTcpListener,
    metrics: Metrics,
}

impl AdminListener {
    /// Binds the address and installs the recorder; neither if the settings turn metrics off.
    ///
    /// Call this before anything else is built: counters that are created earlier count nothing. If no address is set and
    /// the default is in use, for example by another process of this service, this logs a warning and returns `None`.
    pub(crate) fn bind(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(listener) = listen(settings.admin_addr, DEFAULT_ADDRESS)? else {
            return Ok(None);
        };
        let metrics = Metrics::install()?;
        Ok(Some(Self { listener, metrics }))
    }

    /// Serves on the current runtime until the guard is dropped.
    pub(crate) fn serve(self, probes: Probes) -> anyhow::Result<DropGuard> {
        let Self { listener, metrics } = self;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let upkeep = run_upkeep(metrics.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(upkeep));
        let pages = Arc::new(Pages::new(metrics, probes));
        let accepting = accept(listener, pages, stop.clone(), tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepting));
        tasks.close();
        tracing::info!(%address, "serving metrics");
        Ok(stop.drop_guard())
    }
}

/// Listens on the address of the settings, or else on the default one.
fn listen(
    address: Option<AdminAddress>,
    default: SocketAddr,
) -> anyhow::Result<Option<StdTcpListener>> {
    match address {
        Some(AdminAddress::Off) => Ok(None),
        Some(AdminAddress::At(address)) => StdTcpListener::bind(address)
            .map(Some)
            .with_context(|| format!("cannot listen on {address} (ADMIN_ADDR)")),
        None => Ok(StdTcpListener::bind(default)
            .inspect_err(|error| warn_disabled(default, error))
            .ok()),
    }
}

fn warn_disabled(address: SocketAddr, error: &io::Error) {
    tracing::warn!(
        %address,
        %error,
        "metrics disabled: cannot listen on their default address; set ADMIN_ADDR to another one or to `off`"
    );
}

async fn accept(
    listener: TcpListener,
    pages: Arc<Pages>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        let pages = Arc::clone(&pages);
        let answering = async move {
            // A slow client is cut off; a client that disconnects needs no answer.
            drop(tokio::time::timeout(CONNECTION_TIMEOUT, answer(stream, &pages)).await);
            drop(permit);
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(answering));
    }
}

async fn answer(stream: TcpStream, pages: &Arc<Pages>) -> hyper::Result<()> {
    let service = service_fn(|request| {
        let pages = Arc::clone(pages);
        async move { pages.answer(&request).await }
    });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_MAX_BYTES)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn run_upkeep(metrics: Metrics) {
    loop {
        tokio::time::sleep(UPKEEP_INTERVAL).await;
        let metrics = metrics.clone();
        // Fails only when the runtime ends.
        drop(tokio::task::spawn_blocking(move || metrics.run_upkeep()).await);
    }
}

#[cfg(test)]
mod tests;
