//! Runs the measured server: all parts are real, except for an instant runner unless Piston is given.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coderun_app::{
    Executions, ExecutionsPorts, Fleet, JitteredInterval, Readiness, ReadinessPorts, Runners,
    Shutdown, Sweeper, Worker, WorkerPorts, WorkerSettings,
};
use coderun_domain::testing::{
    InstantRunner, limit_policy, store_policy, submission_policy, worker_offer,
};
use coderun_domain::{
    Clock, CodeRunner, ExecutionId, ExecutionQueue, ExecutionStore, IdGenerator, InputRelay,
    Notifier, StorePolicy, TicketStore, UserId, WorkerId,
};
use coderun_firebase::{DevelopmentIssuer, FirebaseTokenVerifier};
use coderun_http::{Drain, HttpConfig, HttpPorts, SocketLimits};
use coderun_memory::{LedgerConfig, memory_backend};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_runner_http::{HttpRunner, HttpRunnerConfig, PistonConfig};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "a clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

impl IdGenerator for System {
    #[expect(clippy::disallowed_methods, reason = "a generator of ids")]
    fn execution_id(&self, _user: &UserId) -> ExecutionId {
        ExecutionId::from_uuid(uuid::Uuid::new_v4())
    }

    #[expect(clippy::disallowed_methods, reason = "a generator of secrets")]
    fn secret(&self) -> [u8; 32] {
        let half = || uuid::Uuid::new_v4().into_bytes();
        let mut bytes = half().into_iter().chain(half());
        std::array::from_fn(|_| bytes.next().unwrap_or_default())
    }
}

/// Serves until it is killed; the first line on stdout is the address.
pub(crate) fn run(
    directory: &Path,
    redis_url: Option<&str>,
    piston_url: Option<&str>,
) -> std::io::Result<()> {
    coderun_firebase::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(directory, redis_url, piston_url))
}

/// An instant runner, or Piston.
async fn runner(piston_url: Option<&str>) -> std::io::Result<Arc<dyn CodeRunner>> {
    let Some(url) = piston_url else {
        return Ok(Arc::new(InstantRunner));
    };
    let runner = HttpRunner::piston(HttpRunnerConfig::new(url), PistonConfig::default()).await;
    Ok(Arc::new(runner.map_err(std::io::Error::other)?))
}

/// The defaults, with room for all measured sockets of one user, and without pings, which the clients do not answer.
fn http_config() -> HttpConfig {
    let sockets = SocketLimits {
        per_user_max: SocketLimits::default().total_max,
        ping_interval: Duration::from_hours(1),
        ..SocketLimits::default()
    };
    HttpConfig {
        sockets,
        ..HttpConfig::default()
    }
}

/// Raises the limit of open files of this process and its children as far as allowed.
pub(crate) fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("a higher limit");
}

async fn serve(
    directory: &Path,
    redis_url: Option<&str>,
    piston_url: Option<&str>,
) -> std::io::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(System);
    let issuer = DevelopmentIssuer::open(directory).map_err(std::io::Error::other)?;
    let policy = StorePolicy {
        user_submits_per_minute: 0,
        user_pending_max: 10_000,
        user_running_max: 10_000,
        ..store_policy()
    };
    let process = Process {
        verifier: issuer.verifier(Arc::clone(&clock)),
        runner: runner(piston_url).await?,
        clock: Arc::clone(&clock),
        policy,
    };
    let Some(url) = redis_url else {
        let memory = memory_backend(LedgerConfig::new(policy), clock);
        return process.run(memory, Arc::new(System)).await;
    };
    let config = RedisConfig::new(url.parse().map_err(std::io::Error::other)?);
    let redis = RedisBackend::connect(config, policy, clock).await;
    let redis = redis.map_err(std::io::Error::other)?;
    let ids = redis.ids(Arc::new(System));
    process.run(redis, ids).await
}

/// The parts of the process beside its storage.
struct Process {
    verifier: FirebaseTokenVerifier,
    runner: Arc<dyn CodeRunner>,
    clock: Arc<dyn Clock>,
    policy: StorePolicy,
}

impl Process {
    async fn run<B>(self, backend: B, ids: Arc<dyn IdGenerator>) -> std::io::Result<()>
    where
        B: ExecutionStore + ExecutionQueue + Notifier + InputRelay + TicketStore + 'static,
    {
        let backend = Arc::new(backend);
        let queue: Arc<dyn ExecutionQueue> = Arc::<B>::clone(&backend);
        let ports = ExecutionsPorts {
            store: Arc::<B>::clone(&backend),
            notifier: Arc::<B>::clone(&backend),
            inputs: Arc::<B>::clone(&backend),
            tickets: Arc::<B>::clone(&backend),
            clock: Arc::clone(&self.clock),
            ids,
            fleet: Arc::new(fleet(&self.clock)),
        };
        let readiness_ports = ReadinessPorts {
            store: Arc::<B>::clone(&backend),
            queue: Arc::clone(&queue),
            runners: Some(Runners::Own(Arc::clone(&self.runner))),
            verifier: None,
        };
        let http_ports = HttpPorts {
            executions: Arc::new(Executions::new(ports, submission_policy(), self.policy)),
            verifier: Arc::new(self.verifier),
            readiness: Arc::new(Readiness::new(readiness_ports, CancellationToken::new())),
            clock: self.clock,
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        let server = coderun_http::serve(listener, http_config(), http_ports, Drain::default())?;
        let sweeper = Sweeper::new(Arc::clone(&queue), every_second());
        let worker_ports = WorkerPorts {
            queue,
            inputs: backend,
            runner: self.runner,
        };
        let settings = WorkerSettings {
            // Those of a runner behind an API: the other one never fails.
            attempts_max: 2,
            id: WorkerId::parse("bench").map_err(std::io::Error::other)?,
            concurrency: 64,
            poll: every_second(),
            policy: self.policy,
        };
        let worker = Worker::new(worker_ports, settings);
        let shutdown = Shutdown::default();
        let (working, sweeping) = (worker.work(&shutdown), sweeper.sweep(&shutdown.abort));
        let (result, (), ()) = tokio::join!(server, working, sweeping);
        result
    }
}

fn fleet(clock: &Arc<dyn Clock>) -> Fleet {
    let registry = memory_backend(LedgerConfig::new(store_policy()), Arc::clone(clock));
    Fleet::new(Arc::new(registry), limit_policy()).with_worker(worker_offer("bench"))
}

fn every_second() -> JitteredInterval {
    JitteredInterval::new(Duration::from_secs(1), 0)
}
