//! The measured process: everything real but, where no third party is there, the runner.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_app::{
    Executions, ExecutionsPorts, Fleet, JitteredInterval, Readiness, ReadinessPorts, Runners,
    Shutdown, Sweeper, Worker, WorkerPorts, WorkerSettings,
};
use coderun_domain::testing::{
    catalog, limit_policy, report, store_policy, submission_policy, worker_offer,
};
use coderun_domain::{
    ByteSize, Clock, CodeRunner, Enforcement, ExecutionId, ExecutionQueue, ExecutionStore,
    IdGenerator, InputRelay, InputWanted, LanguageSpec, Limits, Notifier, OutputStream, Report,
    RunInput, RunIo, RunRequest, RunnerError, RunnerProfile, StorePolicy, TicketStore, UserId,
    Verdict, WorkerId,
};
use coderun_firebase::DevelopmentIssuer;
use coderun_http::{Drain, HttpConfig, HttpPorts, SocketLimits};
use coderun_memory::{LedgerConfig, memory_backend};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_runner_http::{PistonConfig, PistonRunner};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// A runner that prints a greeting at once, or repeats what it is told for as long as it is told something.
#[derive(Debug)]
struct InstantRunner;

#[async_trait]
impl CodeRunner for InstantRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: "instant".to_owned(),
            enforcement: Enforcement::default(),
            interactive: true,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        catalog().specs().to_vec()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        None
    }

    async fn check(&self) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        if request.submission.is_interactive() {
            while let RunInput::Data(bytes) = io.input(InputWanted::Anything).await {
                io.output(OutputStream::Stdout, bytes).await;
            }
            return Ok(report(Verdict::Cancelled));
        }
        io.output(OutputStream::Stdout, Bytes::from_static(b"Hello World\n"))
            .await;
        Ok(report(Verdict::Accepted))
    }
}

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

/// Where state is kept.
struct Storage {
    store: Arc<dyn ExecutionStore>,
    queue: Arc<dyn ExecutionQueue>,
    notifier: Arc<dyn Notifier>,
    inputs: Arc<dyn InputRelay>,
    tickets: Arc<dyn TicketStore>,
    ids: Arc<dyn IdGenerator>,
}

async fn storage(
    redis_url: Option<&str>,
    policy: StorePolicy,
    clock: &Arc<dyn Clock>,
) -> std::io::Result<Storage> {
    let clock = Arc::clone(clock);
    let Some(url) = redis_url else {
        let memory = memory_backend(LedgerConfig::new(policy), clock);
        return Ok(Storage {
            store: Arc::new(memory.clone()),
            queue: Arc::new(memory.clone()),
            notifier: Arc::new(memory.clone()),
            inputs: Arc::new(memory.clone()),
            tickets: Arc::new(memory),
            ids: Arc::new(System),
        });
    };
    let config = RedisConfig::new(url.parse().map_err(std::io::Error::other)?);
    let redis = RedisBackend::connect(config, policy, clock)
        .await
        .map_err(std::io::Error::other)?;
    Ok(Storage {
        store: Arc::new(redis.clone()),
        queue: Arc::new(redis.clone()),
        ids: redis.ids(Arc::new(System)),
        inputs: Arc::new(redis.clone()),
        tickets: Arc::new(redis.clone()),
        notifier: Arc::new(redis),
    })
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

/// A runner that needs no time, or a third party.
async fn runner(piston_url: Option<&str>) -> std::io::Result<Arc<dyn CodeRunner>> {
    let Some(url) = piston_url else {
        return Ok(Arc::new(InstantRunner));
    };
    let config = PistonConfig {
        output_max: Some(ByteSize::from_kib(1)),
        ..PistonConfig::new(url)
    };
    let runner = PistonRunner::start(config).await;
    Ok(Arc::new(runner.map_err(std::io::Error::other)?))
}

/// The defaults, with room for as many sockets of one user as are measured, and without pings, which a client that measures
/// something else would not answer.
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

/// Lets this process, and those that it starts, open as many files as is allowed.
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
    let storage = storage(redis_url, policy, &clock).await?;
    let verifier = Arc::new(issuer.verifier(Arc::clone(&clock)));
    let runner = runner(piston_url).await?;
    let ports = ExecutionsPorts {
        store: Arc::clone(&storage.store),
        notifier: storage.notifier,
        inputs: Arc::clone(&storage.inputs),
        tickets: storage.tickets,
        clock: Arc::clone(&clock),
        ids: storage.ids,
        fleet: Arc::new(fleet(&clock)),
    };
    let readiness_ports = ReadinessPorts {
        store: storage.store,
        queue: Arc::clone(&storage.queue),
        runners: Some(Runners::Own(Arc::clone(&runner))),
        verifier: None,
    };
    let http_ports = HttpPorts {
        executions: Arc::new(Executions::new(ports, submission_policy(), policy)),
        verifier,
        readiness: Arc::new(Readiness::new(readiness_ports, CancellationToken::new())),
        clock,
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let sweeper = Sweeper::new(Arc::clone(&storage.queue), every_second());
    let worker_ports = WorkerPorts {
        queue: storage.queue,
        inputs: storage.inputs,
        runner,
    };
    let settings = WorkerSettings {
        attempts_max: 3,
        id: WorkerId::parse("bench").map_err(std::io::Error::other)?,
        concurrency: 64,
        poll: every_second(),
        policy,
    };
    let worker = Worker::new(worker_ports, settings);
    let shutdown = Shutdown::default();
    let server = coderun_http::serve(listener, http_config(), http_ports, Drain::default())?;
    let (result, (), ()) = tokio::join!(
        server,
        worker.work(&shutdown),
        sweeper.sweep(&shutdown.abort),
    );
    result
}

fn fleet(clock: &Arc<dyn Clock>) -> Fleet {
    let registry = memory_backend(LedgerConfig::new(store_policy()), Arc::clone(clock));
    Fleet::new(Arc::new(registry), limit_policy()).with_worker(worker_offer("bench"))
}

fn every_second() -> JitteredInterval {
    JitteredInterval::new(Duration::from_secs(1), 0)
}
