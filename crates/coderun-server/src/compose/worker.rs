//! What runs code.

use std::sync::Arc;

use coderun_app::{Announcer, AnnouncerPorts, AnnouncerSettings, Worker, WorkerSettings};
use coderun_domain::{CodeRunner, WorkerId};

use super::runner::{concurrency, runner};
use super::{BasePorts, poll};
use crate::settings::Settings;

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
    let runner = runner(settings).await?;
    Ok(WorkerPorts { base, runner })
}

/// The worker of this process.
pub(crate) fn worker(ports: &WorkerPorts, id: WorkerId, settings: &Settings) -> Worker {
    let worker_ports = coderun_app::WorkerPorts {
        queue: Arc::clone(&ports.base.storage.queue),
        inputs: Arc::clone(&ports.base.storage.inputs),
        runner: Arc::clone(&ports.runner),
    };
    let settings = WorkerSettings {
        id,
        attempts_max: settings.runners.runner.attempts_max(),
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
