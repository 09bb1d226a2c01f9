//! Time and randomness, so that nothing inside depends on either.

use std::fmt;

use time::OffsetDateTime;

use crate::{ExecutionId, UserId};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now, in UTC. It may go back; whoever needs order takes care of that.
    fn now(&self) -> OffsetDateTime;
}

/// Makes ids and secrets that nobody can guess.
pub trait IdGenerator: fmt::Debug + Send + Sync + 'static {
    /// An id for a new execution of this user, never handed out before and not to be guessed.
    ///
    /// The user is told because a store may want the id to say where it keeps the user's records.
    fn execution_id(&self, user: &UserId) -> ExecutionId;

    /// 256 random bits that were never handed out before.
    fn secret(&self) -> [u8; 32];
}
