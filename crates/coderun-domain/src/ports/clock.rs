//! Time and randomness, so that nothing inside depends on either.

use std::fmt;

use time::OffsetDateTime;

use crate::ExecutionId;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now, in UTC. It may go back; whoever needs order takes care of that.
    fn now(&self) -> OffsetDateTime;
}

/// Makes ids for new executions.
pub trait IdGenerator: fmt::Debug + Send + Sync + 'static {
    /// An id that was never handed out before and cannot be guessed.
    fn execution_id(&self) -> ExecutionId;
}
