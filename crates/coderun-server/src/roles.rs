//! What a process does, once its ports are there.

use std::net::TcpListener;

use anyhow::Context as _;
use coderun_app::Shutdown;
use tokio_util::sync::CancellationToken;

use crate::compose::{self, Ports};
use crate::lifecycle::StopSignals;
use crate::settings::Settings;

/// Serves the API and runs what is submitted, until a signal asks it to stop.
///
/// The worker ends first, so that whoever waits for a run that may still finish is told; then the server ends.
pub(crate) async fn all(
    listener: TcpListener,
    ports: &Ports,
    settings: &Settings,
    signals: StopSignals,
) -> anyhow::Result<()> {
    let shutdown = Shutdown::default();
    let worker = compose::worker(ports, settings)?;
    let http_ports = compose::http_ports(ports, settings, &shutdown)?;
    let end = CancellationToken::new();
    tell_start(&listener)?;
    let server = coderun_http::serve(
        listener,
        compose::http_config(settings),
        http_ports,
        end.clone(),
    )?;
    let serving = async {
        let result = server.await;
        // Without the API nobody learns of what runs, so it need not go on.
        shutdown.drain.cancel();
        shutdown.abort.cancel();
        result
    };
    let working = async {
        worker.work(&shutdown).await;
        end.cancel();
    };
    let patience = settings.drain_seconds.duration();
    tokio::select! {
        (result, ()) = async { tokio::join!(serving, working) } => result.context("the server failed"),
        () = signals.drive(&shutdown, patience) => Ok(()),
    }
}

/// Says what an operator must know; connections are accepted from here on.
fn tell_start(listener: &TcpListener) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    compose::warn_of_what_is_not_for_production();
    tracing::info!(%address, "listening");
    Ok(())
}
