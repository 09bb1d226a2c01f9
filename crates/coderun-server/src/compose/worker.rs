//! What runs code.

use std::sync::Arc;
use std::thread::available_parallelism;

use coderun_app::{Announcer, AnnouncerPorts, AnnouncerSettings, Worker, WorkerSettings};
use coderun_domain::{CodeRunner, WorkerId};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};

use super::{BasePorts, poll};
use crate::settings::{Runner, Settings};

/// The ports of the role that runs code.
#[derive(Debug, Clone)]
pub(crate) struct WorkerPorts {
    pub(crate) base: BasePorts,
    pub(crate) runner: Arc<dyn CodeRunner>,
}

/// Makes the adapters behind them.
pub(crate) async fn worker_ports(
    settings: &Settings,
    base: BasePorts,
) -> anyhow::Result<WorkerPorts> {
    let runner = match settings.runner {
        Runner::Sandbox => SandboxRunner::start(sandbox_config(settings)).await?,
    };
    Ok(WorkerPorts {
        base,
        runner: Arc::new(runner),
    })
}

fn sandbox_config(settings: &Settings) -> SandboxConfig {
    let default = SandboxConfig::default();
    let search_path = settings.toolchain_path.as_ref().map(|path| {
        let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
        folders.collect()
    });
    let home = settings
        .home
        .iter()
        .map(|home| ("HOME".to_owned(), home.clone()));
    SandboxConfig {
        slots: concurrency(settings),
        search_path: search_path.unwrap_or(default.search_path),
        discovery_environment: home.collect(),
        ..default
    }
}

/// The worker of this process.
pub(crate) fn worker(ports: &WorkerPorts, id: WorkerId, settings: &Settings) -> Worker {
    let worker_ports = coderun_app::WorkerPorts {
        queue: Arc::clone(&ports.base.storage.queue),
        runner: Arc::clone(&ports.runner),
    };
    let settings = WorkerSettings {
        id,
        attempts_max: settings.limits.store_policy().attempts_max,
        concurrency: concurrency(settings),
        poll: poll(),
        policy: settings.limits.store_policy(),
    };
    Worker::new(worker_ports, settings)
}

/// What tells others of it.
pub(crate) fn announcer(
    ports: &WorkerPorts,
    id: WorkerId,
    settings: &Settings,
) -> anyhow::Result<Announcer> {
    let announcer_ports = AnnouncerPorts {
        registry: Arc::clone(&ports.base.storage.registry),
        runner: Arc::clone(&ports.runner),
    };
    let settings = AnnouncerSettings {
        id,
        concurrency: concurrency(settings),
        limits: settings.limits.submission_policy()?.limits,
    };
    Ok(Announcer::new(announcer_ports, settings))
}

fn concurrency(settings: &Settings) -> usize {
    let cores = || available_parallelism().map_or(1, usize::from);
    settings.worker_concurrency.unwrap_or_else(cores)
}
