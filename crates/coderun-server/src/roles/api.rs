//! The API, for workers in other processes.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context as _;
use coderun_app::{Fleet, Runners, Shutdown};
use coderun_domain::ErrorChain;
use coderun_http::Drain;
use tokio_util::sync::CancellationToken;

use super::tell_start;
use crate::compose::{self, ApiPorts};
use crate::settings::Settings;

/// Serves the API until `shutdown.drain`: then watchers are told and sockets are closed with 1012, what is being answered is answered, and it
/// ends.
pub(super) async fn run(
    listener: TcpListener,
    ports: &ApiPorts,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let fleet = Arc::new(compose::fleet(&ports.base, settings)?);
    let runners = Runners::Fleet(Arc::clone(&fleet));
    let http_ports = compose::http_ports(ports, Arc::clone(&fleet), runners, settings, shutdown)?;
    look_for_workers(&fleet).await;
    tell_start(&listener, &ports.base, settings).await?;
    let end = CancellationToken::new();
    let server = coderun_http::serve(
        listener,
        compose::http_config(settings),
        http_ports,
        Drain {
            going_away: shutdown.drain.clone(),
            end: shutdown.drain.clone(),
        },
    )?;
    let serving = async {
        let result = server.await;
        end.cancel();
        result
    };
    let sweeper = compose::sweeper(&ports.base);
    let (result, (), ()) = tokio::join!(
        serving,
        sweeper.sweep(&end),
        fleet.follow(compose::poll(), &end),
    );
    result.context("the server failed")
}

/// Whoever asks first should not be sent away only because nobody has looked for workers yet.
async fn look_for_workers(fleet: &Fleet) {
    if let Err(error) = fleet.refresh().await {
        tracing::warn!(error = %ErrorChain(&error), "nothing can be run yet");
    }
}
