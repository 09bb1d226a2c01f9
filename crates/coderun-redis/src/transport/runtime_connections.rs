//! Holds what the tasks of one runtime share: a connection, and queues of steps for it.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool::managed::Pool;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::group_queue::{GroupKey, GroupQueue};
use super::{Durability, GroupScripts, SharedConnection};
use crate::connection::Connector;

/// The connections and queues of one runtime. They end with it.
pub(super) struct RuntimeConnections {
    connection: SharedConnection,
    /// Where replicas are waited for: later commands on a connection wait too, so reads use the other one.
    replicated: Option<SharedConnection>,
    queues: Mutex<HashMap<GroupKey, GroupQueue>>,
    scripts: Arc<GroupScripts>,
    connecting: JoinHandle<Option<()>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _open: DropGuard,
}

impl RuntimeConnections {
    /// Connects in tasks on the current runtime.
    pub(super) fn open(pool: &Pool<Connector>, replicas: u32, scripts: Arc<GroupScripts>) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let open = |replicas| {
            let connection = SharedConnection::new(replicas);
            let connecting = connection.clone().keep_connected(pool.clone());
            let connecting = stop.clone().run_until_cancelled_owned(connecting);
            (connection, tasks.spawn(connecting))
        };
        let (connection, connecting) = open(0);
        Self {
            connection,
            replicated: (replicas > 0).then(|| open(replicas).0),
            queues: Mutex::default(),
            scripts,
            connecting,
            tasks,
            _open: stop.clone().drop_guard(),
            stop,
        }
    }

    /// Whether the runtime goes on.
    pub(super) fn is_alive(&self) -> bool {
        !self.connecting.is_finished()
    }

    /// The connection for changes that must be so durable.
    pub(super) fn connection(&self, durability: Durability) -> &SharedConnection {
        match (durability, &self.replicated) {
            (Durability::Replicas, Some(replicated)) => replicated,
            (Durability::Master | Durability::Replicas, _) => &self.connection,
        }
    }

    /// The queue of steps that go in groups of this key.
    pub(super) fn queue(&self, key: GroupKey) -> GroupQueue {
        let mut queues = self.queues.lock();
        let open = || {
            let connection = self.connection(key.durability).clone();
            let (queue, sending) = GroupQueue::new(key, connection, Arc::clone(&self.scripts));
            let sending = self.stop.clone().run_until_cancelled_owned(sending);
            self.tasks.spawn(sending);
            queue
        };
        queues.entry(key).or_insert_with(open).clone()
    }
}
