//! Puts the parts together: the only place that names adapters, and only those that a role needs.

mod api;
mod measured;
mod runner;
mod storage;
mod users;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use coderun_app::{JitteredInterval, Readiness, ReadinessPorts, Runners, Shutdown, Sweeper};
use coderun_domain::{Clock, TokenVerifier};
use coderun_http::HttpConfig;

use crate::metrics::Probes;
use crate::settings::Settings;
use crate::system::{SystemClock, seed};

pub(crate) use api::{ApiPorts, api_ports, fleet, http_config, http_ports};
pub(crate) use storage::Storage;
pub(crate) use users::{development_issuer, note as note_on_users};
pub(crate) use worker::{WorkerPorts, announcer, worker, worker_ports};

/// Deadlines are enforced this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// A worker asks for work, and an API for workers, this often, though nobody announced any.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The ports that every role needs, each with an adapter behind it.
#[derive(Debug, Clone)]
pub(crate) struct BasePorts {
    pub(crate) storage: Storage,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the admin address asks.
    pub(crate) probes: Arc<Probes>,
}

/// Makes the adapters behind them.
pub(crate) async fn base_ports(settings: &Settings) -> anyhow::Result<BasePorts> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let storage = storage::storage(settings, &clock).await?;
    let storage = measured::storage(settings, storage);
    Ok(BasePorts {
        probes: Arc::new(Probes::new(Arc::clone(&storage.queue))),
        storage,
        clock,
    })
}

/// Enforces deadlines, in every role.
pub(crate) fn sweeper(base: &BasePorts) -> Sweeper {
    let queue = Arc::clone(&base.storage.queue);
    Sweeper::new(queue, JitteredInterval::new(SWEEP_INTERVAL, seed()))
}

/// When to ask again for what nobody has announced.
pub(crate) fn poll() -> JitteredInterval {
    JitteredInterval::new(POLL_INTERVAL, seed())
}

/// Whether all of it works, for a role that knows users or does not.
pub(crate) fn readiness(
    base: &BasePorts,
    runners: Runners,
    verifier: Option<&Arc<dyn TokenVerifier>>,
    settings: &Settings,
    shutdown: &Shutdown,
) -> Readiness {
    let ports = ReadinessPorts {
        store: Arc::clone(&base.storage.store),
        queue: Arc::clone(&base.storage.queue),
        runners: Some(runners),
        verifier: verifier.cloned(),
    };
    // The admin address has one of its own, which keeps what it has found for itself.
    let watched = Readiness::new(ports.clone(), shutdown.drain.clone());
    base.probes.watch(watched);
    let readiness = Readiness::new(ports, shutdown.drain.clone());
    match users::note(settings) {
        Some(note) => readiness.with_note("keys", note),
        None => readiness,
    }
}

/// How the server of a process without an API behaves.
pub(crate) fn health_config() -> HttpConfig {
    HttpConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        workers: 1,
        ..HttpConfig::default()
    }
}
