//! Provides time and randomness, so that the core depends on neither.

use std::fmt;

use time::OffsetDateTime;

use crate::{ExecutionId, UserId};

/// Provides the current time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now, in UTC. It may go back, so code that needs order takes care of that.
    fn now(&self) -> OffsetDateTime;
}

/// Makes ids and secrets that cannot be guessed.
pub trait IdGenerator: fmt::Debug + Send + Sync + 'static {
    /// An unguessable id for a new execution of this user, never made before.
    ///
    /// A store may encode in the id where it keeps the user's records.
    fn execution_id(&self, user: &UserId) -> ExecutionId;

    /// Whether the store can keep an execution of this user under this id, which was not made here.
    fn is_usable(&self, id: ExecutionId, user: &UserId) -> bool {
        let _ = (id, user);
        true
    }

    /// 256 random bits that were never made before.
    fn secret(&self) -> [u8; 32];
}
