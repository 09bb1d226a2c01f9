//! The shared connections.
//!
//! A few connections are taken out of a pool and shared by all callers: commands that come at the same time travel
//! together, and nobody pays for a checkout. Each lane replaces its connection when it is broken.

mod reconnecting;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use deadpool::Runtime;
use deadpool::managed::{Pool, PoolConfig, Timeouts};
use deadpool_redis::redis::{Cmd, Value};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::RedisConfig;
use crate::command_error::CommandError;
use crate::connection::Connector;
use reconnecting::{ConnectionHandle, ReconnectingConnection};

/// The pauses between the tries of a call, and of a lane; each is longer by up to as much again.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(10))
    .with_max_delay(Duration::from_millis(250))
    .with_jitter()
    .without_max_times();

/// How long to wait for replicas.
const REPLICATION_MAX: Duration = Duration::from_secs(1);

/// The shared connections.
pub(crate) struct SharedConnections {
    all: Vec<ReconnectingConnection>,
    next: AtomicUsize,
    patience: Duration,
    /// So many replicas have what a call wrote before it answers.
    replicas: u32,
    /// Ends the tasks of the lanes.
    _open: DropGuard,
}

/// Which try of a call it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallAttempt {
    /// 0 for the first; a later one may repeat what was done already.
    pub(crate) number: u32,
    /// Whether the server may know the script by its hash.
    pub(crate) script_is_known: bool,
}

impl SharedConnections {
    /// Opens the lanes on the present runtime, which has to outlive them: a connection ends with the runtime that it was
    /// made on. The first connection is made right away, so that a wrong address is known at the start.
    pub(crate) async fn open(config: &RedisConfig) -> Result<Self, CommandError> {
        let pool = pool(config)?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let open_lane = |_| {
            let lane = ReconnectingConnection::default();
            let keeping = lane.clone().keep(pool.clone());
            tasks.spawn(stop.clone().run_until_cancelled_owned(keeping));
            lane
        };
        let lanes = Self {
            all: (0..config.lanes.max(1)).map(open_lane).collect(),
            next: AtomicUsize::new(0),
            patience: config.patience,
            replicas: 0,
            _open: stop.drop_guard(),
        };
        let mut ping = Cmd::new();
        ping.arg("PING");
        lanes.ask(|_| ping.clone()).await?;
        Ok(lanes)
    }

    /// The same lanes, whose calls answer once so many replicas have what they wrote. A lane waits with all that comes
    /// behind, so calls that only read have lanes of their own.
    pub(crate) async fn open_for_good(config: &RedisConfig) -> Result<Self, CommandError> {
        let lanes = Self::open(config).await?;
        Ok(Self {
            replicas: config.replicas,
            ..lanes
        })
    }

    /// Sends a command, again while that helps, for as long as the patience lasts. `make` gives the command of a try.
    pub(crate) async fn ask(
        &self,
        make: impl Fn(CallAttempt) -> Cmd + Send + Sync,
    ) -> Result<Value, CommandError> {
        let deadline = Instant::now() + self.patience;
        let mut attempt = CallAttempt {
            number: 0,
            script_is_known: true,
        };
        let mut pauses = None;
        loop {
            let fault = match self.send(&make(attempt), deadline).await {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            if fault.is_unknown_script() && attempt.script_is_known {
                attempt.script_is_known = false;
                continue;
            }
            let pause = pauses.get_or_insert_with(|| PAUSES.build()).next();
            let again = Instant::now() + pause.unwrap_or_default();
            if !fault.is_retryable() || again >= deadline {
                return Err(fault);
            }
            tokio::time::sleep_until(again).await;
            attempt.number += 1;
        }
    }

    /// Sends a command to every master, once.
    pub(crate) async fn ask_every_node(&self, command: &Cmd) -> Result<Vec<Value>, CommandError> {
        let deadline = Instant::now() + self.patience;
        let mut lent = self.borrow(deadline).await?;
        match timeout_at(deadline, lent.connection.send_to_every_node(command)).await {
            Ok(answer) => lent.judge(answer),
            Err(_) => Err(CommandError::TimedOut(self.patience)),
        }
    }

    async fn send(&self, command: &Cmd, deadline: Instant) -> Result<Value, CommandError> {
        let mut lent = self.borrow(deadline).await?;
        let sent = async {
            let answer = lent.connection.send(command).await;
            let answer = lent.judge(answer)?;
            self.replicate(&mut lent).await?;
            Ok(answer)
        };
        // When the time of the call is over, that need not mean that the connection is to blame.
        let in_time = timeout_at(deadline, sent).await;
        in_time.unwrap_or(Err(CommandError::TimedOut(self.patience)))
    }

    async fn replicate(&self, lent: &mut ConnectionHandle) -> Result<(), CommandError> {
        let wanted = self.replicas;
        if wanted == 0 {
            return Ok(());
        }
        let reached = lent.connection.replicated(wanted, REPLICATION_MAX).await;
        let reached = lent.judge(reached)?;
        if reached < wanted {
            return Err(CommandError::NotReplicated { reached, wanted });
        }
        Ok(())
    }

    /// The lanes take turns; those without a connection are passed over while others have one.
    async fn borrow(&self, deadline: Instant) -> Result<ConnectionHandle, CommandError> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        let mut in_turn = self.all.iter().cycle().skip(turn).take(self.all.len());
        if let Some(lent) = in_turn.find_map(ReconnectingConnection::borrow) {
            return Ok(lent);
        }
        let lane = self.all.get(turn).ok_or(CommandError::Ended)?;
        match timeout_at(deadline, lane.wait()).await {
            Ok(lent) => lent,
            Err(_) => Err(lane.last_fault()),
        }
    }
}

fn pool(config: &RedisConfig) -> Result<Pool<Connector>, CommandError> {
    let longest = config.connect_timeout + config.response_timeout;
    let pool = Pool::builder(Connector::new(config)).config(PoolConfig {
        max_size: config.lanes.max(1),
        timeouts: Timeouts {
            wait: Some(longest),
            create: Some(longest),
            recycle: Some(longest),
        },
        ..PoolConfig::default()
    });
    // Building fails only without a runtime.
    let pool = pool.runtime(Runtime::Tokio1).build();
    pool.map_err(|_| CommandError::Ended)
}

#[cfg(test)]
mod tests;
