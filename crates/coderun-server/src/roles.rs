//! What a process does: serve the API, run what is submitted, or both.

mod all;
mod api;
mod worker;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use coderun_app::Shutdown;
use coderun_domain::{ErrorChain, Health};

use crate::admin::Admin;
use crate::compose::{self, BasePorts};
use crate::lifecycle::StopSignals;
use crate::settings::{Issuers, Role, Settings};

/// How long the storage may take to say at the start how it is.
const DEADLINE: Duration = Duration::from_secs(2);

/// Does what the role asks for, until a signal asks it to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    settings: &Settings,
    signals: StopSignals,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::default();
    let patience = settings.drain_seconds.duration();
    tokio::select! {
        result = Box::pin(run(listener, settings, &shutdown)) => result,
        () = signals.drive(&shutdown, patience) => Ok(()),
    }
}

/// Builds what the role needs, and no more.
async fn run(
    listener: TcpListener,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let base = compose::base_ports(settings).await?;
    // It lives until everything else has ended, so that the end can be watched, too.
    let _admin = Admin::start(settings, Arc::clone(&base.probes))?;
    let storage = base.storage.clone();
    let result = run_role(listener, base, settings, shutdown).await;
    storage.close().await;
    result
}

async fn run_role(
    listener: TcpListener,
    base: BasePorts,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    match settings.role {
        Role::All => {
            let worker = compose::worker_ports(settings, base.clone()).await?;
            let api = compose::api_ports(settings, base)?;
            all::run(listener, &api, &worker, settings, shutdown).await
        }
        Role::Api => {
            let ports = compose::api_ports(settings, base)?;
            api::run(listener, &ports, settings, shutdown).await
        }
        Role::Worker => {
            let ports = compose::worker_ports(settings, base).await?;
            worker::run(listener, &ports, settings, shutdown).await
        }
    }
}

/// Says what an operator must know; connections are accepted from here on.
async fn tell_start(
    listener: &TcpListener,
    base: &BasePorts,
    settings: &Settings,
) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    warn(about_storage(base).await);
    warn(about_users(settings));
    let role = settings.role.as_str();
    tracing::info!(%address, role, "listening");
    Ok(())
}

fn warn(about: Option<String>) {
    if let Some(warning) = about {
        tracing::warn!("{warning}");
    }
}

/// What an operator must know about who is let in, if anything.
fn about_users(settings: &Settings) -> Option<String> {
    let note = compose::note_on_users(settings).filter(|_| settings.role.serves_api())?;
    match settings.users.issuers() {
        Issuers::Development => Some(format!("{note}; `coderun token` prints one")),
        Issuers::Firebase(_) | Issuers::Emulator(..) => Some(note.to_owned()),
    }
}

/// What an operator must know about the storage, if anything.
async fn about_storage(base: &BasePorts) -> Option<String> {
    match tokio::time::timeout(DEADLINE, base.storage.store.check()).await {
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
