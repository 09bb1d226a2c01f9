//! Builds the use cases, which offer submissions to the worker of this process if there is one.

use std::sync::Arc;

use coderun_app::{Executions, ExecutionsPorts, Fleet};

use super::Ports;
use super::worker::AnnouncedWorker;
use crate::settings::Settings;

pub(super) fn executions(
    ports: &Ports,
    fleet: &Arc<Fleet>,
    worker: Option<&AnnouncedWorker>,
    settings: &Settings,
) -> anyhow::Result<Executions> {
    let storage = ports.storage.clone();
    let executions_ports = ExecutionsPorts {
        store: storage.store,
        notifier: storage.notifier,
        inputs: storage.inputs,
        tickets: storage.tickets,
        clock: Arc::clone(&ports.clock),
        ids: storage.ids,
        fleet: Arc::clone(fleet),
    };
    let limits = &settings.limits;
    let (submissions, records) = (limits.submission_policy()?, settings.store_policy());
    let executions = Executions::new(executions_ports, submissions, records);
    Ok(match worker {
        Some(worker) => executions.with_local_worker(worker.local()),
        None => executions,
    })
}
