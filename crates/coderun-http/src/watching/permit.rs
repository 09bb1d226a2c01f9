//! Counts one watcher against the limits for as long as its permit lives.

use coderun_domain::UserId;
use tokio::sync::OwnedSemaphorePermit;

use crate::metrics::{CountedSocket, SocketKind};
use crate::socket_registry::{SocketRegistry, UserPermit};

/// The permit of one watcher.
pub(crate) struct WatcherPermit {
    _total: OwnedSemaphorePermit,
    _user: UserPermit,
    _counted: CountedSocket,
}

/// The limit that refuses one more watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketLimitReached {
    /// The limit of all users together.
    Total,
    /// The limit of this user.
    PerUser,
}

impl WatcherPermit {
    /// A permit for one watcher of this user.
    pub(crate) fn acquire(
        registry: &SocketRegistry,
        user: &UserId,
        kind: SocketKind,
    ) -> Result<Self, SocketLimitReached> {
        let total = registry.admit().ok_or(SocketLimitReached::Total)?;
        Self::acquire_within(registry, total, user, kind)
    }

    /// A permit for one watcher of this user that is already counted in the total.
    pub(crate) fn acquire_within(
        registry: &SocketRegistry,
        total: OwnedSemaphorePermit,
        user: &UserId,
        kind: SocketKind,
    ) -> Result<Self, SocketLimitReached> {
        let user = registry
            .admit_user(user)
            .ok_or(SocketLimitReached::PerUser)?;
        Ok(Self {
            _total: total,
            _user: user,
            _counted: CountedSocket::new(kind),
        })
    }
}
