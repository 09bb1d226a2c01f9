//! Carries what users type to the programs that run.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{BackendError, ExecutionId, FailureKind, Lease};

/// Carries what users send to a running program's stdin, from whichever process they are connected to, to the worker that
/// has the execution.
///
/// Everything sent is kept in its order until a worker has read it, also while the execution still waits, and as long as
/// there is room even longer: a worker that takes the execution over gives the program the same input from the beginning.
/// What is kept of one execution never exceeds [`StorePolicy::INPUT_KEPT_MAX`](crate::StorePolicy::INPUT_KEPT_MAX), each
/// piece counted as [`InputPiece::size_bytes`] says; what the present attempt has read makes room, the oldest first, for what it
/// has not. While the execution waits nothing makes room.
///
/// Every implementation passes `coderun_conformance::input_relay_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait InputRelay: fmt::Debug + Send + Sync + 'static {
    /// Keeps one piece behind all that was sent before.
    ///
    /// A sender numbers its pieces from 1 up and sends one at a time. Idempotent for the last
    /// [`StorePolicy::SENDERS_KEPT`](crate::StorePolicy::SENDERS_KEPT) senders of whom something was kept: while the execution
    /// is not final, a piece with a number that was kept from such a sender before is answered with [`InputReply::Kept`] and
    /// changes nothing. Of a sender before those nothing is known any more: a repetition is kept again.
    ///
    /// # Errors
    /// [`InputError::Unavailable`]: it may have been kept, so only the same may be sent again.
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError>;

    /// Reads what is kept after this position, in order, a bounded amount at a time; nothing if there is no more now.
    ///
    /// Everything up to `after` counts as read from now on, and need not be kept for this attempt.
    ///
    /// # Errors
    /// [`InputError::LeaseLost`]; [`InputError::Forgotten`] if something after this position had to make room before;
    /// [`InputError::Unavailable`].
    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError>;

    /// Waits until there may be something after this position. May answer for nothing, and may miss something: ask
    /// [`receive`](InputRelay::receive) again after a while in any case, which also tells that the lease is lost. Cancel-safe.
    async fn input_available(&self, lease: &Lease, after: InputPosition);
}

/// Something for a program's stdin. `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub enum InputPiece {
    /// More of it; not empty.
    Data(Bytes),
    /// It ends here.
    End,
}

impl InputPiece {
    /// What a piece counts beside its bytes, so that many small ones are bounded, too.
    const OVERHEAD_BYTES: usize = 64;

    /// What it counts among what is kept.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len().saturating_add(Self::OVERHEAD_BYTES),
            Self::End => Self::OVERHEAD_BYTES,
        }
    }
}

impl fmt::Debug for InputPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(bytes) => write!(f, "Data({} bytes)", bytes.len()),
            Self::End => f.write_str("End"),
        }
    }
}

/// Names a sender, such as one connection, among all that send to an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SenderId(u128);

impl SenderId {
    /// Wraps a random number.
    #[must_use]
    pub const fn from_number(number: u128) -> Self {
        Self(number)
    }
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Names a piece among all that its sender sends to one execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputId {
    /// Who sends it.
    pub sender: SenderId,
    /// The how-manieth it is of this sender, from 1.
    pub number: u64,
}

/// How many pieces of an execution's input come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct InputPosition(u64);

impl InputPosition {
    /// Before the first piece.
    pub const START: Self = Self(0);

    /// Wraps a stored number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// How many pieces come before.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The position one piece later.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What became of [`InputRelay::send`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputReply {
    /// It is kept.
    Kept,
    /// The program has not read what came before: the same may be sent again later.
    Full,
    /// Its stdin has been ended before.
    Ended,
    /// The execution takes no input while it runs.
    NotInteractive,
    /// The execution is final.
    Final,
    /// There is no such execution.
    Absent,
}

/// Why input could not be carried.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The execution is no longer this worker's.
    #[error("the lease on the execution is lost")]
    LeaseLost,
    /// What an earlier attempt read was too much to be kept for this one.
    #[error("the input of an earlier attempt is no longer kept")]
    Forgotten,
    /// The backend cannot be reached or refuses to work.
    #[error("the input relay `{backend}` is not available")]
    Unavailable {
        /// Which one.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl InputError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }

    /// What it means to whoever asked.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Unavailable { .. } => FailureKind::Unavailable,
            Self::LeaseLost | Self::Forgotten => FailureKind::Bug,
        }
    }
}
