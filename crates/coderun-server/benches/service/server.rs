//! Starts a measured server and the services that it depends on.

use std::io;
use std::path::Path;
use std::time::Duration;

use coderun_piston_standin::{PistonLimits, PistonStandin, StandinOptions};
use coderun_redis_fixture::{RedisOptions, RedisServer};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use crate::meter::RedisUse;
use crate::support::{Launch, Service};

/// What a server depends on.
pub(crate) struct Setup<'a> {
    /// Where the state is; by default in the memory of the server.
    pub(crate) redis: Option<&'a RedisOptions>,
    /// What the third party takes for each program.
    pub(crate) latency: Duration,
    /// The longest run.
    pub(crate) run_max: Duration,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            redis: None,
            latency: Duration::ZERO,
            run_max: Duration::from_secs(3),
        }
    }
}

/// A measured server, its third party, and the user who loads it. Dropped outside of async code.
pub(crate) struct Server {
    pub(crate) service: Service,
    redis: Option<RedisServer>,
    pub(crate) piston: PistonStandin,
    _piston_threads: Runtime,
    pub(crate) token: String,
    /// The id of the last submission.
    pub(crate) last: Mutex<Option<String>>,
}

impl Server {
    /// Starts a server that bounds a single user as little as possible, and logs only its address.
    pub(crate) fn start(program: &Path, setup: &Setup<'_>) -> io::Result<Self> {
        let (piston_threads, piston) = start_piston(setup)?;
        let redis = setup.redis.map(RedisServer::with);
        let mut launch = Launch::new()
            .program(program.to_owned())
            .with("RUST_LOG", "coderun_server=info")
            .with("RUNNER", "piston")
            .with("CODE_EXECUTION_API_URL", &piston.api_url())
            .with("USER_SUBMITS_PER_MINUTE", "0")
            // A user alone holds at most a quarter of what all users share.
            .with("PENDING_MAX", "40000")
            .with("USER_PENDING_MAX", "10000")
            .with("USER_RUNNING_MAX", "10000")
            .with("SOCKETS_MAX", "80000")
            .with("USER_SOCKETS_MAX", "20000")
            .with("WORKER_CONCURRENCY", "64")
            .with("WALL_TIME_DEFAULT", &setup.run_max.as_secs().to_string())
            .with("PISTON_RUN_TIMEOUT", &setup.run_max.as_millis().to_string());
        if let Some(redis) = &redis {
            launch = launch.with("REDIS_URL", &redis.url());
        }
        let service = launch.start();
        Ok(Self {
            token: service.token("bench"),
            service,
            redis,
            piston,
            _piston_threads: piston_threads,
            last: Mutex::default(),
        })
    }

    /// What its Redis has used; nothing without one.
    pub(crate) fn redis_use(&self) -> RedisUse {
        self.redis.as_ref().map(RedisUse::read).unwrap_or_default()
    }
}

/// The runtime of the load: one thread.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Starts a third party that returns the same result each time. On a thread of its own, it neither counts as the
/// server nor delays the load.
fn start_piston(setup: &Setup<'_>) -> io::Result<(Runtime, PistonStandin)> {
    let threads = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let options = StandinOptions {
        fixed_stdout: "Hello World\n".to_owned(),
        latency: setup.latency,
        limits: PistonLimits {
            run_timeout_ms: u64::try_from(setup.run_max.as_millis()).unwrap_or(u64::MAX),
            ..PistonLimits::STOCK
        },
        ..StandinOptions::default()
    };
    let piston = threads.block_on(PistonStandin::start(options))?;
    Ok((threads, piston))
}
