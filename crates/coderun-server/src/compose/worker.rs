//! Builds the worker of a process and its announcer.

use std::sync::Arc;

use coderun_app::{
    Announcer, AnnouncerPorts, AnnouncerSettings, LocalWorker, NextTake, OutageLog,
    ParkingSettings, Shutdown, Worker, WorkerPorts, WorkerSettings,
};
use coderun_domain::{CodeRunner, WorkerOffer};
use coderun_languages::HintTable;

use super::{Ports, poll};
use crate::settings::Settings;
use crate::system::worker_id;

/// A worker, and the announcer that tells the registry of it.
#[derive(Debug)]
pub(crate) struct AnnouncedWorker {
    worker: Worker,
    announcer: Announcer,
}

impl AnnouncedWorker {
    pub(super) fn new(
        ports: &Ports,
        runner: &Arc<dyn CodeRunner>,
        settings: &Settings,
        outages: &OutageLog,
    ) -> anyhow::Result<Self> {
        let id = worker_id()?;
        let concurrency = settings.runners.concurrency();
        let announcer_ports = AnnouncerPorts {
            registry: Arc::clone(&ports.storage.registry),
            runner: Arc::clone(runner),
        };
        let announcer_settings = AnnouncerSettings {
            id: id.clone(),
            concurrency: settings.runners.places(),
            limits: settings.limits.submission_policy()?.limits,
        };
        let worker_ports = WorkerPorts {
            queue: Arc::clone(&ports.storage.queue),
            inputs: Arc::clone(&ports.storage.inputs),
            runner: Arc::clone(runner),
            hints: Arc::new(HintTable::for_languages(&settings.languages()?)),
        };
        let worker_settings = WorkerSettings {
            id,
            attempts_max: settings.runners.runner.attempts_max(),
            concurrency: concurrency.ordinary,
            extra_concurrency: concurrency.extra,
            poll: poll(),
            next_take: match settings.redis_url {
                Some(_) => NextTake::Together,
                None => NextTake::ByEachRun,
            },
            parking: ParkingSettings {
                worker_max: settings.limits.interactive_max,
                user_max: settings.limits.user_interactive_max,
                // A watcher may have left as long ago as since the last note.
                idle: settings.limits.interactive_idle + settings.limits.watcher_interval(),
            },
            policy: settings.store_policy(),
        };
        Ok(Self {
            worker: Worker::new(worker_ports, worker_settings).with_outages(outages.clone()),
            announcer: Announcer::new(announcer_ports, announcer_settings)
                .with_outages(outages.clone()),
        })
    }

    /// The worker's own entry in the registry.
    pub(super) fn offer(&self) -> WorkerOffer {
        self.announcer.offer()
    }

    /// The worker for the use cases of this process.
    pub(super) fn local(&self) -> LocalWorker {
        self.worker.local()
    }

    /// Works and announces itself until the shutdown lets it end.
    pub(crate) async fn work(&self, shutdown: &Shutdown) {
        tokio::join!(
            self.worker.work(shutdown),
            self.announcer.announce(&shutdown.drain),
        );
    }
}
