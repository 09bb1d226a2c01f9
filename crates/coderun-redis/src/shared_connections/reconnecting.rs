//! One lane: a place for a connection, and the task that sees to it that one is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use backon::BackoffBuilder as _;
use coderun_domain::ErrorChain;
use deadpool::managed::{Object, Pool};
use deadpool_redis::redis::RedisResult;
use tokio::sync::watch;

use super::PAUSES;
use crate::command_error::CommandError;
use crate::connection::{Connection, Connector};

/// A connection to a Cluster replaces what is broken by itself. If nothing at all comes of so many calls in a row, it is
/// replaced as a whole.
const CLUSTER_FAILURES_MAX: u32 = 64;

/// A place for a connection that all callers share.
#[derive(Clone, Default)]
pub(super) struct ReconnectingConnection {
    slot: watch::Sender<Slot>,
}

/// What is in a lane.
enum Slot {
    /// The task of the lane is making a connection, and failed with this the last time.
    Empty(Option<CommandError>),
    /// There is a connection.
    Filled(Arc<Filled>),
}

impl Default for Slot {
    fn default() -> Self {
        Self::Empty(None)
    }
}

struct Filled {
    connection: Connection,
    /// How many calls in a row nothing came of.
    failures: AtomicU32,
}

/// A connection that is lent to one call.
pub(super) struct ConnectionHandle {
    /// The call's own handle.
    pub(super) connection: Connection,
    filled: Arc<Filled>,
    slot: watch::Sender<Slot>,
}

impl ReconnectingConnection {
    /// Fills the lane with connections from this pool, one after the other, for ever. Callers only wait: whatever their
    /// number, there is one connection at a time in the making, at the pace of the lane.
    pub(super) async fn keep(self, pool: Pool<Connector>) {
        let mut slot = self.slot.subscribe();
        loop {
            let connection = self.connect(&pool).await;
            self.slot.send_replace(Slot::Filled(Arc::new(Filled {
                connection,
                failures: AtomicU32::new(0),
            })));
            // The lane holds a sender itself, so this ends only with an empty slot.
            drop(slot.wait_for(|slot| matches!(slot, Slot::Empty(_))).await);
        }
    }

    async fn connect(&self, pool: &Pool<Connector>) -> Connection {
        let mut pauses = PAUSES.build();
        loop {
            let fault = match pool.get().await {
                Ok(connection) => return Object::take(connection),
                Err(error) => CommandError::from(error),
            };
            tracing::debug!(error = %ErrorChain(&fault), "a lane is not connected");
            self.slot.send_replace(Slot::Empty(Some(fault)));
            tokio::time::sleep(pauses.next().unwrap_or_default()).await;
        }
    }

    /// The connection, if there is one now.
    pub(super) fn borrow(&self) -> Option<ConnectionHandle> {
        match &*self.slot.borrow() {
            Slot::Filled(filled) => Some(self.lend(filled)),
            Slot::Empty(_) => None,
        }
    }

    /// Waits for a connection for as long as one can be hoped for.
    pub(super) async fn wait(&self) -> Result<ConnectionHandle, CommandError> {
        let mut slot = self.slot.subscribe();
        let settled = slot.wait_for(|slot| match slot {
            Slot::Filled(_) => true,
            Slot::Empty(fault) => fault.as_ref().is_some_and(|it| !it.is_retryable()),
        });
        match &*settled.await.map_err(|_| CommandError::Ended)? {
            Slot::Filled(filled) => Ok(self.lend(filled)),
            Slot::Empty(fault) => Err(fault.clone().unwrap_or(CommandError::ConnectTimedOut)),
        }
    }

    /// Why there is no connection.
    pub(super) fn last_fault(&self) -> CommandError {
        let fault = match &*self.slot.borrow() {
            Slot::Empty(fault) => fault.clone(),
            Slot::Filled(_) => None,
        };
        fault.unwrap_or(CommandError::ConnectTimedOut)
    }

    fn lend(&self, filled: &Arc<Filled>) -> ConnectionHandle {
        ConnectionHandle {
            connection: filled.connection.clone(),
            filled: Arc::clone(filled),
            slot: self.slot.clone(),
        }
    }
}

impl ConnectionHandle {
    /// Passes an answer on; the lane gives its connection up if the answer says that it is of no use any more.
    pub(super) fn judge<T>(&self, answer: RedisResult<T>) -> Result<T, CommandError> {
        let fault = match answer {
            Ok(answer) => {
                self.note_success();
                return Ok(answer);
            }
            Err(error) => CommandError::from(error),
        };
        if fault.breaks_connection() && self.is_beyond_repair() {
            self.give_up(&fault);
        }
        Err(fault)
    }

    /// Written only where something changes: all callers share it.
    fn note_success(&self) {
        if self.filled.failures.load(Ordering::Relaxed) > 0 {
            self.filled.failures.store(0, Ordering::Relaxed);
        }
    }

    fn is_beyond_repair(&self) -> bool {
        match self.connection {
            Connection::Node(_) => true,
            Connection::Cluster(_) => {
                let failures = self.filled.failures.fetch_add(1, Ordering::Relaxed) + 1;
                failures >= CLUSTER_FAILURES_MAX
            }
        }
    }

    /// Empties the lane, unless it has another connection by now.
    fn give_up(&self, fault: &CommandError) {
        let is_emptied = self.slot.send_if_modified(|slot| {
            let is_this = matches!(slot, Slot::Filled(it) if Arc::ptr_eq(it, &self.filled));
            if is_this {
                *slot = Slot::Empty(None);
            }
            is_this
        });
        if is_emptied {
            tracing::warn!(error = %ErrorChain(fault), "a connection to redis is broken");
        }
    }
}
