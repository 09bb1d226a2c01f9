//! The API and a worker in one process.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context as _;
use coderun_app::{Runners, Shutdown};
use coderun_http::Drain;
use tokio_util::sync::CancellationToken;

use super::tell_start;
use crate::compose::{self, ApiPorts, WorkerPorts};
use crate::settings::Settings;
use crate::system::worker_id;

/// Serves the API and runs what is submitted, here or by another process over the same state, until `shutdown`.
///
/// Whoever watches is told first that this process is going away. The worker ends next, so that whoever waits for a run that
/// may still finish is told; then the server ends.
pub(super) async fn run(
    listener: TcpListener,
    api: &ApiPorts,
    worker: &WorkerPorts,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let id = worker_id()?;
    let announcer = compose::announcer(worker, id.clone(), settings)?;
    let working = compose::worker(worker, id, settings);
    let fleet = compose::fleet(&api.base, settings)?.with_worker(announcer.offer());
    let fleet = Arc::new(fleet);
    let runners = Runners::Own(Arc::clone(&worker.runner));
    let http_ports = compose::http_ports(api, Arc::clone(&fleet), runners, settings, shutdown)?;
    tell_start(&listener, &api.base, settings).await?;
    let (nothing_runs, end) = (CancellationToken::new(), CancellationToken::new());
    let server = coderun_http::serve(
        listener,
        compose::http_config(settings),
        http_ports,
        Drain {
            going_away: shutdown.drain.clone(),
            end: nothing_runs.clone(),
        },
    )?;
    let serving = async {
        let result = server.await;
        // Without the API nobody learns of what runs, so it need not go on.
        shutdown.drain.cancel();
        shutdown.abort.cancel();
        end.cancel();
        result
    };
    let working = async {
        tokio::join!(working.work(shutdown), announcer.announce(&shutdown.drain));
        nothing_runs.cancel();
    };
    let sweeper = compose::sweeper(&api.base);
    let (result, (), (), ()) = tokio::join!(
        serving,
        working,
        sweeper.sweep(&end),
        fleet.follow(compose::poll(), &end),
    );
    result.context("the server failed")
}
