//! Builds the process out of its parts: the only module that names adapters.
//!
//! [`Ports`] holds what is behind the ports, [`Process`] what works with them. A role builds no part that it does not need.

mod connections;
mod executions;
mod http;
mod page;
mod runner;
mod storage;
mod users;
pub(crate) mod values;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use coderun_app::{
    Fleet, JitteredInterval, OutageLog, Readiness, ReadinessPorts, Runners, Shutdown, Sweeper,
};
use coderun_domain::{Clock, CodeRunner, TokenVerifier};
use coderun_http::SignIn;

use crate::metrics::Probes;
use crate::settings::Settings;
use crate::system::{SystemClock, seed};
use executions::executions;
use http::HttpServer;
use storage::Storage;
use worker::AnnouncedWorker;

pub(crate) use coderun_http::{ASYNCAPI, OPENAPI};
pub(crate) use coderun_runner_sandbox::launcher_main;
pub(crate) use connections::ConnectionLimits;
pub(crate) use users::{issue_development_token, warning as warning_about_users};

/// Deadlines are enforced this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// A worker asks for work, and an API for workers, at least this often.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The ports of a process, each with an adapter behind it.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) storage: Storage,
    pub(crate) clock: Arc<dyn Clock>,
    /// Present where users are served.
    pub(crate) verifier: Option<Arc<dyn TokenVerifier>>,
    /// Present where users are served and can sign in on the page.
    pub(crate) sign_in: Option<SignIn>,
    /// Present where code runs.
    pub(crate) runner: Option<Arc<dyn CodeRunner>>,
}

impl Ports {
    /// Builds the adapters that the role needs; the storage last, so that nothing is left open where another part fails.
    pub(crate) async fn build(settings: &Settings) -> anyhow::Result<Self> {
        coderun_firebase::install_crypto_provider();
        let (verifier, sign_in) = if settings.role.serves_api() {
            let (verifier, sign_in) = users::build(settings, Arc::new(SystemClock))?;
            (Some(verifier), sign_in)
        } else {
            (None, None)
        };
        let runner = if settings.role.runs_code() {
            Some(runner::start(settings).await?)
        } else {
            None
        };
        let shared = Self::shared(settings).await?;
        Ok(Self {
            verifier,
            sign_in,
            runner,
            ..shared
        })
    }

    /// Builds what every role needs, and processes share: the storage and the clock.
    pub(crate) async fn shared(settings: &Settings) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            storage: Storage::open(settings, Arc::clone(&clock)).await?,
            clock,
            verifier: None,
            sign_in: None,
            runner: None,
        })
    }
}

/// The parts of a process that work with its ports.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) sweeper: Sweeper,
    /// Present where code runs.
    pub(crate) worker: Option<AnnouncedWorker>,
    /// Present where users are served.
    pub(crate) fleet: Option<Arc<Fleet>>,
    pub(crate) probes: Probes,
    pub(crate) server: HttpServer,
}

impl Process {
    pub(crate) fn new(
        ports: &Ports,
        settings: &Settings,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let outages = OutageLog::default();
        let worker = ports.runner.as_ref();
        let worker = worker.map(|runner| AnnouncedWorker::new(ports, runner, settings, &outages));
        let worker = worker.transpose()?;
        let fleet = ports.verifier.as_ref();
        let fleet = fleet.map(|_| fleet_of(ports, worker.as_ref(), settings));
        let fleet = fleet.transpose()?;
        let fleet = fleet.map(|fleet| Arc::new(fleet.with_outages(outages.clone())));
        // Each readiness caches its answers, so the probes and the server do not share one.
        let readiness = || {
            let readiness = readiness(ports, fleet.as_ref(), settings, shutdown);
            readiness.with_outages(&outages)
        };
        let server = match (&ports.verifier, &fleet) {
            (Some(verifier), Some(fleet)) => {
                let executions = executions(ports, fleet, worker.as_ref(), settings)?;
                HttpServer::api(ports, verifier, executions, readiness(), settings)
            }
            (None, _) | (_, None) => HttpServer::health(ports, readiness()),
        };
        Ok(Self {
            sweeper: Sweeper::new(Arc::clone(&ports.storage.queue), jittered(SWEEP_INTERVAL))
                .with_outages(outages.clone()),
            probes: Probes {
                queue: Arc::clone(&ports.storage.queue),
                readiness: readiness(),
            },
            worker,
            fleet,
            server,
        })
    }
}

/// The workers that the registry will name, and the one of this process.
fn fleet_of(
    ports: &Ports,
    worker: Option<&AnnouncedWorker>,
    settings: &Settings,
) -> anyhow::Result<Fleet> {
    let limits = settings.limits.submission_policy()?.limits;
    let fleet = Fleet::new(Arc::clone(&ports.storage.registry), limits);
    let fleet = fleet.with_known(settings.languages()?.not_installed());
    Ok(match worker {
        Some(worker) => fleet.with_worker(worker.offer()),
        None => fleet,
    })
}

fn readiness(
    ports: &Ports,
    fleet: Option<&Arc<Fleet>>,
    settings: &Settings,
    shutdown: &Shutdown,
) -> Readiness {
    let own = ports.runner.clone().map(Runners::Own);
    let readiness_ports = ReadinessPorts {
        store: Arc::clone(&ports.storage.store),
        queue: Arc::clone(&ports.storage.queue),
        runners: own.or_else(|| fleet.cloned().map(Runners::Fleet)),
        verifier: ports.verifier.clone(),
    };
    let readiness = Readiness::new(readiness_ports, shutdown.drain.clone());
    match users::warning(settings) {
        Some(warning) => readiness.with_note("keys", warning),
        None => readiness,
    }
}

/// The interval at which to ask for what a notification may have missed.
pub(crate) fn poll() -> JitteredInterval {
    jittered(POLL_INTERVAL)
}

fn jittered(interval: Duration) -> JitteredInterval {
    JitteredInterval::new(interval, seed())
}
