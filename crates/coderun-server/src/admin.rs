//! The admin address: metrics and a sign of life, for operators alone.
//!
//! A server of its own, so that none of it is ever reached from outside together with the API, and so that it answers as
//! long as the process lives, also while it drains. It knows no users and takes no orders.

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

/// Where it is unless a setting says otherwise.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9001);
/// More connections wait.
const CONNECTIONS_MAX: usize = 8;
/// A connection takes no longer than this in all; each is for one request.
const DEADLINE: Duration = Duration::from_secs(10);
/// Whoever asks nothing gives way to others after this.
const HEAD_DEADLINE: Duration = Duration::from_secs(1);
/// Durations are counted into their buckets this often.
const TIDY_INTERVAL: Duration = Duration::from_secs(1);
/// A listener that has just failed is likely to fail again at once, as where no more files may be opened.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest head of a request.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// An address that is taken and numbers that are kept, before anybody can be answered.
#[derive(Debug)]
pub(crate) struct AdminListener {
    listener: StdTcpListener,
    metrics: Metrics,
}

/// A server that ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Admin {
    _serving: DropGuard,
}

impl AdminListener {
    /// Takes the address and begins to count; neither where the settings turn it off.
    ///
    /// Call this before anything else is built: counters that are made earlier count nothing. Where no address is set
    /// and the default is in use, for example by another process of this service, this logs a warning and returns `None`.
    pub(crate) fn bind(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(listener) = listen(settings.admin_addr, USUAL)? else {
            return Ok(None);
        };
        let metrics = Metrics::install()?;
        Ok(Some(Self { listener, metrics }))
    }

    /// Answers from now on, on the current runtime.
    pub(crate) fn serve(self, probes: Probes) -> anyhow::Result<Admin> {
        let Self { listener, metrics } = self;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let tidying = tidy(metrics.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(tidying));
        let pages = Arc::new(Pages::new(metrics, probes));
        let accepting = accept(listener, pages, stop.clone(), tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepting));
        tasks.close();
        tracing::info!(%address, "serving metrics");
        Ok(Admin {
            _serving: stop.drop_guard(),
        })
    }
}

/// Listens where the settings say, or where it is usual; `None` if nowhere.
fn listen(
    address: Option<AdminAddress>,
    usual: SocketAddr,
) -> anyhow::Result<Option<StdTcpListener>> {
    match address {
        Some(AdminAddress::Off) => Ok(None),
        Some(AdminAddress::At(address)) => StdTcpListener::bind(address)
            .map(Some)
            .with_context(|| format!("cannot listen on {address} (ADMIN_ADDR)")),
        None => Ok(StdTcpListener::bind(usual).map_or_else(|error| without(usual, &error), Some)),
    }
}

/// Says why this process goes on without metrics.
fn without(address: SocketAddr, error: &io::Error) -> Option<StdTcpListener> {
    tracing::warn!(
        %address,
        %error,
        "no metrics of this process: their usual address cannot be used; set ADMIN_ADDR to another one, or to `off`"
    );
    None
}

async fn accept(
    listener: TcpListener,
    pages: Arc<Pages>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let pages = Arc::clone(&pages);
        let answering = async move {
            // Whoever asks too slowly is cut off, and whoever breaks off needs no answer.
            drop(tokio::time::timeout(DEADLINE, answer(stream, &pages)).await);
            drop(place);
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
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn tidy(metrics: Metrics) {
    loop {
        tokio::time::sleep(TIDY_INTERVAL).await;
        let metrics = metrics.clone();
        // Fails only where the runtime ends.
        drop(tokio::task::spawn_blocking(move || metrics.tidy()).await);
    }
}

#[cfg(test)]
mod tests;
