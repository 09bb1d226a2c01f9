//! The shared connections.
//!
//! A few connections are taken out of a pool and shared by all callers: commands that come at the same time travel
//! together, and nobody pays for a checkout. A broken one is replaced, by one caller while the others wait, always on
//! the runtime in which the lanes were opened: a connection made on another would end with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolConfig, PoolError, Timeouts};
use deadpool_redis::redis::{Cmd, Value};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::RedisConfig;
use crate::connection::{Connection, Connector};
use crate::fault::Fault;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// The shared connections.
pub(crate) struct Lanes {
    pool: Pool<Connector>,
    all: Vec<Lane>,
    next: AtomicUsize,
    patience: Duration,
    runtime: Handle,
    connecting: TaskTracker,
}

/// A place for one connection.
#[derive(Default)]
struct Lane {
    connection: RwLock<Option<Numbered>>,
    /// Held by whoever replaces the connection.
    replacing: tokio::sync::Mutex<()>,
    made: AtomicUsize,
}

/// A connection and how many there were before it in its lane, so that it is given up once.
#[derive(Clone)]
struct Numbered {
    connection: Connection,
    number: usize,
}

/// Which try of a call it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Try {
    /// 0 for the first; a later one may repeat what was done already.
    pub(crate) number: u32,
    /// Whether the server may know the script by its hash.
    pub(crate) script_is_known: bool,
}

impl Lanes {
    /// Makes the first connection, so that a wrong address is known at the start.
    pub(crate) async fn open(config: &RedisConfig) -> Result<Self, Fault> {
        let longest = config.connect_timeout + config.response_timeout;
        let pool = Pool::builder(Connector::new(config))
            .config(PoolConfig {
                max_size: config.lanes.max(1) * 2,
                timeouts: Timeouts {
                    wait: Some(longest),
                    create: Some(longest),
                    recycle: Some(longest),
                },
                ..PoolConfig::default()
            })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Fault::Connect(Box::new(error)))?;
        let lanes = Self {
            pool,
            all: (0..config.lanes.max(1)).map(|_| Lane::default()).collect(),
            next: AtomicUsize::new(0),
            patience: config.patience,
            runtime: Handle::current(),
            connecting: TaskTracker::new(),
        };
        let mut ping = Cmd::new();
        ping.arg("PING");
        lanes.ask(|_| ping.clone()).await?;
        Ok(lanes)
    }

    /// Sends a command, again while that helps, for as long as the patience lasts. `make` gives the command of a try.
    pub(crate) async fn ask(
        &self,
        make: impl Fn(Try) -> Cmd + Send + Sync,
    ) -> Result<Value, Fault> {
        let deadline = Instant::now() + self.patience;
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        let mut attempt = Try {
            number: 0,
            script_is_known: true,
        };
        loop {
            let command = make(attempt);
            let sent = self.send(&command);
            let fault = match tokio::time::timeout_at(deadline, sent).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(fault)) => fault,
                Err(_) => return Err(Fault::TimedOut(self.patience)),
            };
            if fault.is_unknown_script() && attempt.script_is_known {
                attempt.script_is_known = false;
                continue;
            }
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            if !fault.is_retryable() || Instant::now() + pause >= deadline {
                return Err(fault);
            }
            tokio::time::sleep(pause).await;
            attempt.number += 1;
        }
    }

    /// Sends a command to every master, once.
    pub(crate) async fn ask_every_node(&self, command: &Cmd) -> Result<Vec<Value>, Fault> {
        let lane = self.next_lane()?;
        let mut lent = self.connection_of(lane).await?;
        let sent = lent.connection.send_to_every_node(command);
        match tokio::time::timeout(self.patience, sent).await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) => Err(lane.judge(&lent, error.into())),
            Err(_) => Err(lane.judge(&lent, Fault::TimedOut(self.patience))),
        }
    }

    async fn send(&self, command: &Cmd) -> Result<Value, Fault> {
        let lane = self.next_lane()?;
        let mut lent = self.connection_of(lane).await?;
        let answer = lent.connection.send(command).await;
        answer.map_err(|error| lane.judge(&lent, error.into()))
    }

    /// The lanes take turns.
    fn next_lane(&self) -> Result<&Lane, Fault> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.get(turn % self.all.len()).ok_or(Fault::Ended)
    }

    async fn connection_of(&self, lane: &Lane) -> Result<Numbered, Fault> {
        if let Some(current) = lane.current() {
            return Ok(current);
        }
        let _replacing = lane.replacing.lock().await;
        if let Some(current) = lane.current() {
            return Ok(current);
        }
        let connection = self.connect().await?;
        let number = lane.made.fetch_add(1, Ordering::Relaxed);
        Ok(lane.replace(Numbered { connection, number }))
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        let pool = self.pool.clone();
        let connecting = async move { pool.get().await.map(Object::take) };
        let made = self.connecting.spawn_on(connecting, &self.runtime).await;
        match made {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(PoolError::Backend(error))) => Err(error.into()),
            Ok(Err(error)) => Err(Fault::Connect(Box::new(error))),
            Err(_) => Err(Fault::Ended),
        }
    }
}

impl Lane {
    fn current(&self) -> Option<Numbered> {
        let current = self.connection.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, numbered: Numbered) -> Numbered {
        let mut current = self.write();
        current.insert(numbered).clone()
    }

    /// Gives a connection up if this fault says so, unless somebody has done so already.
    fn judge(&self, lent: &Numbered, fault: Fault) -> Fault {
        if fault.breaks_connection() {
            let mut current = self.write();
            if current.as_ref().is_some_and(|it| it.number == lent.number) {
                *current = None;
            }
        }
        fault
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Option<Numbered>> {
        self.connection
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
