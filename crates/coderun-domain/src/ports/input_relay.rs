//! Carries what users type to the programs that run.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{BackendError, ExecutionId, FailureKind, Lease};

/// Carries input for a program's stdin from the process to which the user is connected to the worker that holds the execution.
///
/// Input is kept in its order until a worker has read it, also while the execution is pending, and longer while there is room:
/// a worker that takes the execution over gives the program the same input from the beginning. The input of one execution
/// never exceeds [`StorePolicy::INPUT_KEPT_MAX`](crate::StorePolicy::INPUT_KEPT_MAX), each piece counted by
/// [`InputPiece::size_bytes`]. Pieces that the current attempt has read make room, the oldest first, for those that it has not;
/// while the execution is pending, none make room.
///
/// Every implementation passes `coderun_conformance::input_relay_tests!`.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait InputRelay: fmt::Debug + Send + Sync + 'static {
    /// Keeps one piece behind all earlier ones.
    ///
    /// A sender numbers its pieces from 1 up and sends one at a time. Idempotent for the last
    /// [`StorePolicy::SENDERS_KEPT`](crate::StorePolicy::SENDERS_KEPT) senders with a kept piece: while the execution is not
    /// final, a repeated piece of such a sender is answered with [`InputReply::Kept`] and changes nothing. Earlier senders are
    /// forgotten, so a repetition of theirs is kept again.
    ///
    /// # Errors
    /// [`InputError::Unavailable`]: the piece may have been kept, so only the same piece may be sent again.
    async fn send(
        &self,
        id: ExecutionId,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError>;

    /// Reads the pieces after this position, in order, a bounded amount at a time; empty if there are none now.
    ///
    /// Pieces up to `after` count as read from now on, and need not be kept for this attempt.
    ///
    /// # Errors
    /// [`InputError::LeaseLost`]; [`InputError::Forgotten`] if a piece after this position had to make room;
    /// [`InputError::Unavailable`].
    async fn receive(
        &self,
        lease: &Lease,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError>;

    /// Waits until there may be input after this position. It is a hint that may be wrong or missing: call
    /// [`receive`](InputRelay::receive) again after a while in any case, which also reports a lost lease. Cancel-safe.
    async fn input_available(&self, lease: &Lease, after: InputPosition);

    /// Notes that somebody watches the execution now. Nothing is noted unless it takes input and is not final. The note is
    /// no more durable than the connections of watchers, which note it again and again.
    ///
    /// # Errors
    /// [`InputError::Unavailable`].
    async fn note_watcher(&self, id: ExecutionId) -> Result<(), InputError>;

    /// The time since the last note that somebody watches the execution; `None` if there is none.
    ///
    /// # Errors
    /// [`InputError::Unavailable`].
    async fn unwatched_for(&self, id: ExecutionId) -> Result<Option<Duration>, InputError>;
}

/// A piece of input for a program's stdin. `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub enum InputPiece {
    /// Data; not empty.
    Data(Bytes),
    /// The end of stdin.
    End,
}

impl InputPiece {
    /// The size that each piece counts beside its bytes, so that many small ones are bounded, too.
    const OVERHEAD_BYTES: usize = 64;

    /// The size that the piece counts against the bound.
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
    /// The sender.
    pub sender: SenderId,
    /// The position of the piece among those of its sender, from 1.
    pub number: u64,
}

/// The number of pieces of an execution's input before a position.
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

    /// The number of pieces before it.
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

/// The answer to [`InputRelay::send`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputReply {
    /// The piece is kept.
    Kept,
    /// The program has not read enough earlier input: the same piece may be sent again later.
    Full,
    /// The end of stdin was sent before.
    Ended,
    /// The execution takes no input while it runs.
    NotInteractive,
    /// The execution is final.
    Final,
    /// The execution does not exist.
    Absent,
}

/// Says why a call of the input relay failed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The worker no longer holds the execution.
    #[error("the lease on the execution is lost")]
    LeaseLost,
    /// Input that an earlier attempt read is no longer kept.
    #[error("the input of an earlier attempt is no longer kept")]
    Forgotten,
    /// The backend cannot be reached or refuses to work.
    #[error("the input relay `{backend}` is not available")]
    Unavailable {
        /// The name of the backend.
        backend: &'static str,
        /// The cause.
        #[source]
        source: BackendError,
    },
}

impl InputError {
    /// The kind of failure for the caller.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Unavailable { .. } => FailureKind::Unavailable,
            Self::LeaseLost | Self::Forgotten => FailureKind::Bug,
        }
    }
}
