//! Puts the parts together: the only place that names adapters.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use coderun_app::{
    Executions, ExecutionsPorts, Readiness, ReadinessPorts, Shutdown, Worker, WorkerPorts,
    WorkerSettings,
};
use coderun_domain::{
    Clock, CodeRunner, ExecutionQueue, ExecutionStore, IdGenerator, LanguageCatalog, Notifier,
    TokenVerifier,
};
use coderun_firebase::DevelopmentIssuer;
use coderun_http::{AllowedHosts, AllowedOrigins, HttpConfig, HttpPorts, SocketLimits};
use coderun_memory::{MemoryBackend, MemoryConfig};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};

use crate::settings::{Role, Runner, Settings};
use crate::system::{RandomIds, SystemClock, worker_id};

/// A worker asks for work this often, though nobody announced any.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// A worker looks for executions that have outlived their deadlines this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// What keeps state, so that readiness and the start-up log can say what that means.
const MEMORY_NOTE: &str = "state is kept in memory and is gone when the process ends";
/// Whose tokens are accepted, for the same two.
const DEVELOPMENT_NOTE: &str =
    "tokens of the development issuer are accepted, which anybody on this machine can make";

/// The ports of the domain, each with an adapter behind it.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) store: Arc<dyn ExecutionStore>,
    pub(crate) queue: Arc<dyn ExecutionQueue>,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) runner: Arc<dyn CodeRunner>,
    pub(crate) verifier: Arc<dyn TokenVerifier>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
}

/// Makes the adapters that the settings ask for.
pub(crate) async fn ports(settings: &Settings) -> anyhow::Result<Ports> {
    let Role::All = settings.role;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let issuer = development_issuer(settings)?;
    let memory = MemoryBackend::with_config(
        settings.limits.store_policy(),
        MemoryConfig {
            final_bytes_max: settings.limits.final_bytes_max.bytes(),
        },
        Arc::clone(&clock),
    );
    Ok(Ports {
        store: Arc::new(memory.clone()),
        queue: Arc::new(memory.clone()),
        notifier: Arc::new(memory),
        runner: runner(settings).await?,
        verifier: Arc::new(issuer.verifier(Arc::clone(&clock))),
        clock,
        ids: Arc::new(RandomIds),
    })
}

async fn runner(settings: &Settings) -> anyhow::Result<Arc<dyn CodeRunner>> {
    match settings.runner {
        Runner::Sandbox => {
            let config = sandbox_config(settings);
            Ok(Arc::new(SandboxRunner::start(config).await?))
        }
    }
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

/// The issuer whose key is in the state directory.
pub(crate) fn development_issuer(settings: &Settings) -> anyhow::Result<DevelopmentIssuer> {
    let directory = settings
        .state_dir
        .as_deref()
        .context("there is no home directory: set STATE_DIR to a folder for the key")?;
    DevelopmentIssuer::open(directory).context("cannot use the key of the development issuer")
}

/// The use cases.
pub(crate) fn executions(ports: &Ports, settings: &Settings) -> anyhow::Result<Executions> {
    let executions_ports = ExecutionsPorts {
        store: Arc::clone(&ports.store),
        notifier: Arc::clone(&ports.notifier),
        clock: Arc::clone(&ports.clock),
        ids: Arc::clone(&ports.ids),
    };
    Ok(Executions::new(
        executions_ports,
        LanguageCatalog::new(ports.runner.languages()),
        settings.limits.submission_policy()?,
        settings.limits.store_policy(),
    ))
}

/// The worker of this process.
pub(crate) fn worker(ports: &Ports, settings: &Settings) -> anyhow::Result<Worker> {
    let worker_ports = WorkerPorts {
        queue: Arc::clone(&ports.queue),
        runner: Arc::clone(&ports.runner),
    };
    let settings = WorkerSettings {
        id: worker_id()?,
        concurrency: concurrency(settings),
        poll_interval: POLL_INTERVAL,
        sweep_interval: SWEEP_INTERVAL,
        policy: settings.limits.store_policy(),
    };
    Ok(Worker::new(worker_ports, settings))
}

fn concurrency(settings: &Settings) -> usize {
    let cores = || available_parallelism().map_or(1, usize::from);
    settings.worker_concurrency.unwrap_or_else(cores)
}

/// Whether all of it works.
pub(crate) fn readiness(ports: &Ports, shutdown: &Shutdown) -> Readiness {
    let readiness_ports = ReadinessPorts {
        store: Arc::clone(&ports.store),
        queue: Arc::clone(&ports.queue),
        runner: Some(Arc::clone(&ports.runner)),
        verifier: Some(Arc::clone(&ports.verifier)),
    };
    Readiness::new(readiness_ports, shutdown.drain.clone())
        .with_note("store", MEMORY_NOTE)
        .with_note("keys", DEVELOPMENT_NOTE)
}

/// What the HTTP edge works with.
pub(crate) fn http_ports(
    ports: &Ports,
    settings: &Settings,
    shutdown: &Shutdown,
) -> anyhow::Result<HttpPorts> {
    Ok(HttpPorts {
        executions: Arc::new(executions(ports, settings)?),
        verifier: Arc::clone(&ports.verifier),
        readiness: Arc::new(readiness(ports, shutdown)),
        clock: Arc::clone(&ports.clock),
    })
}

/// How the HTTP edge behaves.
pub(crate) fn http_config(settings: &Settings) -> HttpConfig {
    let limits = &settings.limits;
    HttpConfig {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        body_max: limits.body_max.bytes(),
        origins: match &settings.cors_origins {
            Some(origins) => AllowedOrigins::List(origins.list().to_vec()),
            None => AllowedOrigins::AnyLoopback,
        },
        hosts: if settings.dangerously_expose_development_tokens {
            AllowedHosts::Any
        } else {
            AllowedHosts::LoopbackOnly
        },
        sockets: SocketLimits {
            total_max: limits.sockets_max,
            per_user_max: limits.user_sockets_max,
            ..SocketLimits::default()
        },
        ..HttpConfig::default()
    }
}

/// Says at the start what an operator must know.
pub(crate) fn warn_of_what_is_not_for_production() {
    tracing::warn!("{MEMORY_NOTE}");
    tracing::warn!("{DEVELOPMENT_NOTE}; `coderun token` prints one");
}
