//! One watcher's place among all.

use coderun_domain::UserId;
use tokio::sync::OwnedSemaphorePermit;

use crate::socket_registry::{SocketRegistry, UserPermit};
use crate::telemetry::{CountedSocket, SocketKind};

/// One watcher's place, given back when it is dropped.
pub(crate) struct WatcherPlace {
    _total: OwnedSemaphorePermit,
    _user: UserPermit,
    _counted: CountedSocket,
}

/// Why there is no place for one more watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// There are too many of all users.
    All,
    /// There are too many of this user.
    User,
}

impl WatcherPlace {
    /// A place for this user.
    pub(crate) fn take(
        registry: &SocketRegistry,
        user: &UserId,
        kind: SocketKind,
    ) -> Result<Self, Crowded> {
        let total = registry.admit().ok_or(Crowded::All)?;
        Self::among(registry, total, user, kind)
    }

    /// A place for this user, who has one among all already.
    pub(crate) fn among(
        registry: &SocketRegistry,
        total: OwnedSemaphorePermit,
        user: &UserId,
        kind: SocketKind,
    ) -> Result<Self, Crowded> {
        let user = registry.admit_user(user).ok_or(Crowded::User)?;
        Ok(Self {
            _total: total,
            _user: user,
            _counted: CountedSocket::new(kind),
        })
    }
}
