//! A worker alone, for an API in other processes.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context as _;
use coderun_app::{Runners, Shutdown};
use tokio_util::sync::CancellationToken;

use super::tell_start;
use crate::compose::{self, WorkerPorts};
use crate::settings::Settings;
use crate::system::worker_id;

/// Runs what is submitted until `shutdown`, and says on `listener` how it is until the last run has ended.
pub(super) async fn run(
    listener: TcpListener,
    ports: &WorkerPorts,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let id = worker_id()?;
    let announcer = compose::announcer(ports, id.clone(), settings)?;
    let worker = compose::worker(ports, id, settings);
    let runners = Runners::Own(Arc::clone(&ports.runner));
    let readiness = compose::readiness(&ports.base, runners, None, settings, shutdown);
    tell_start(&listener, &ports.base, settings).await?;
    let end = CancellationToken::new();
    let server = coderun_http::serve_health(
        listener,
        compose::health_config(),
        Arc::new(readiness),
        Arc::clone(&ports.base.clock),
        end.clone(),
    )?;
    let serving = async {
        let result = server.await;
        // A worker that nobody can see the health of is better replaced by one that can be watched.
        shutdown.drain.cancel();
        result
    };
    let working = async {
        tokio::join!(worker.work(shutdown), announcer.announce(&shutdown.drain));
        end.cancel();
    };
    let sweeper = compose::sweeper(&ports.base);
    let (result, (), ()) = tokio::join!(serving, working, sweeper.sweep(&end));
    result.context("the server failed")
}
