//! Runs a process in its role: serves the API, runs executions, or both.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context as _;
use coderun_app::{Fleet, Shutdown};
use coderun_domain::{ErrorChain, Health};
use tokio_util::sync::CancellationToken;

use crate::admin::AdminListener;
use crate::compose::{self, Ports, Process};
use crate::lifecycle::StopSignals;
use crate::settings::{Settings, TokenIssuer};

/// The store may take this long to answer the first health check.
const STORE_CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Does what the role asks for, until a signal stops it.
pub(crate) async fn serve(
    listener: TcpListener,
    settings: &Settings,
    signals: StopSignals,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::default();
    tokio::select! {
        result = Box::pin(build_and_run(listener, settings, &shutdown)) => result,
        () = signals.drive(&shutdown, settings.drain_seconds) => Ok(()),
    }
}

async fn build_and_run(
    listener: TcpListener,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let admin = AdminListener::bind(settings)?;
    // To ask all tools for their versions takes seconds on a slow disk. No request was answered before that.
    let building = shutdown.drain.run_until_cancelled(Ports::build(settings));
    let Some(ports) = building.await.transpose()? else {
        return Ok(());
    };
    let result = run(listener, admin, &ports, settings, shutdown).await;
    ports.storage.close().await;
    result
}

/// Runs the parts of the process until `shutdown`.
///
/// Watchers learn first that the process is going away. The worker ends next, so that the end of every run that may still
/// finish reaches its watchers; then the server ends.
pub(crate) async fn run(
    listener: TcpListener,
    admin: Option<AdminListener>,
    ports: &Ports,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let process = Process::new(ports, settings, shutdown)?;
    // It lives until everything else has ended, so that the end can be observed, too.
    let _admin = admin.map(|admin| admin.serve(process.probes)).transpose()?;
    let (fleet, worker) = (process.fleet.as_deref(), process.worker.as_ref());
    if let (Some(fleet), None) = (fleet, worker) {
        find_workers(fleet).await;
    }
    log_start(&listener, ports, settings).await?;
    let (nothing_runs, end) = (CancellationToken::new(), CancellationToken::new());
    let server = process
        .server
        .start(listener, shutdown, nothing_runs.clone())?;
    let serving = async {
        let result = server.await;
        shutdown.drain.cancel();
        if fleet.is_some() {
            // No client can learn the outcome of a run without the API, so no run needs to finish.
            shutdown.abort.cancel();
        }
        result
    };
    let working = async {
        match worker {
            Some(worker) => worker.work(shutdown).await,
            None => shutdown.drain.cancelled().await,
        }
        nothing_runs.cancel();
    };
    let until_both_end = async {
        let (result, ()) = tokio::join!(serving, working);
        end.cancel();
        result
    };
    let following = async {
        if let Some(fleet) = fleet {
            fleet.follow(compose::poll(), &end).await;
        }
    };
    let (result, (), ()) = tokio::join!(until_both_end, process.sweeper.run(&end), following);
    result.context("the server failed")
}

/// Looks for workers before the first request comes, so that it is not refused for lack of them.
async fn find_workers(fleet: &Fleet) {
    if let Err(error) = fleet.refresh().await {
        tracing::debug!(error = %ErrorChain(&error), "no worker found yet");
    }
}

/// Logs what an operator must know; connections are accepted from here on.
async fn log_start(
    listener: &TcpListener,
    ports: &Ports,
    settings: &Settings,
) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    warn(storage_warning(ports).await);
    warn(users_warning(settings));
    let role = settings.role.as_str();
    // What a person opens, where that is on this machine.
    let is_for_people = settings.role.serves_api() && address.ip().is_loopback();
    let url = is_for_people.then(|| tracing::field::display(format!("http://{address}/")));
    tracing::info!(%address, role, url, "listening");
    Ok(())
}

fn warn(warning: Option<String>) {
    if let Some(warning) = warning {
        tracing::warn!("{warning}");
    }
}

fn users_warning(settings: &Settings) -> Option<String> {
    let warning = compose::warning_about_users(settings).filter(|_| settings.role.serves_api())?;
    match settings.users.token_issuer() {
        TokenIssuer::Development => Some(format!("{warning}; `coderun token` prints one")),
        TokenIssuer::Firebase(_) | TokenIssuer::Emulator(..) => Some(warning.to_owned()),
    }
}

async fn storage_warning(ports: &Ports) -> Option<String> {
    match tokio::time::timeout(STORE_CHECK_TIMEOUT, ports.storage.store.check()).await {
        Ok(Ok(Health::Good)) => None,
        Ok(Ok(Health::Limited { reason })) => Some(reason),
        Ok(Err(error)) => Some(format!(
            "the store does not work yet: {}",
            ErrorChain(&error)
        )),
        Err(_) => Some("the store does not answer yet".to_owned()),
    }
}

#[cfg(test)]
mod tests;
