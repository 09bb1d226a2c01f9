//! Makes large answers within a budget of memory, off the event loop, and once for all who ask for the same record.
//!
//! An answer stays in memory until its reader has taken it, or is cut off for taking nothing. Most answers are small. The
//! records of programs that wrote much are not, and one client may ask for many and read none. So memory for a large answer
//! is taken by an upper bound of its length before it is made, and given back with the last copy of its bytes.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use coderun_domain::{ExecutionId, FailureKind, UserId};
use parking_lot::Mutex;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::memory_budget::{BudgetExhausted, BudgetPermit, MemoryBudget};
use crate::socket_registry::WatcherPermit;
use crate::wire::Audience;

/// An answer whose texts have at most this many bytes is small: it has at most 128 KiB, and the number of connections bounds all
/// small answers.
pub(crate) const SMALL_MAX_BYTES: usize = 16 << 10;

/// An answer above this bound is made off the event loop.
const INLINE_MAX_BYTES: usize = 512 << 10;

/// The piece of an answer that is copied for its connection at once.
const PIECE_BYTES: usize = 32 << 10;

/// A client must read this much of a large answer in a second, on average and after a while.
const READ_BYTES_PER_SECOND: usize = 16 << 10;
const READ_GRACE: Duration = Duration::from_secs(30);

/// Why a large answer is not made.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LargeAnswerError {
    /// There is no memory for it.
    #[error("there is no memory for a large answer")]
    Budget(#[from] BudgetExhausted),
    /// It cannot be serialized.
    #[error("a large answer cannot be encoded")]
    Encoding(#[source] Arc<io::Error>),
}

impl LargeAnswerError {
    /// The kind of failure for the client.
    pub(crate) const fn kind(&self) -> FailureKind {
        match self {
            Self::Budget(error) => error.kind(),
            Self::Encoding(_) => FailureKind::Bug,
        }
    }
}

/// Makes the large answers of this process.
#[derive(Debug)]
pub(crate) struct LargeAnswers {
    budget: MemoryBudget,
    /// The answers that are the same for all who ask, while they are made or read.
    shared: Mutex<HashMap<SharedAnswer, Slot>>,
}

/// An answer that is the same for all who ask: the final record of an execution. The time of the submission tells executions
/// apart that had the same id one after the other.
type SharedAnswer = (ExecutionId, OffsetDateTime, Audience);

/// Locked while the answer is made.
type Slot = Arc<tokio::sync::Mutex<Weak<BudgetedBytes>>>;

impl LargeAnswers {
    pub(crate) fn new(budget: MemoryBudget) -> Self {
        Self {
            budget,
            shared: Mutex::default(),
        }
    }

    /// Makes an answer of a user that is no longer than `bound_bytes`.
    ///
    /// # Errors
    /// [`LargeAnswerError`]
    pub(crate) async fn make(
        &self,
        user: &UserId,
        bound_bytes: usize,
        encode: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
    ) -> Result<Bytes, LargeAnswerError> {
        let answer = self.make_budgeted(user, bound_bytes, encode).await?;
        Ok(share(answer))
    }

    /// Makes an answer unless another reader has it, or waits until it is made.
    ///
    /// # Errors
    /// [`LargeAnswerError`]
    pub(crate) async fn make_once(
        &self,
        answer: SharedAnswer,
        user: &UserId,
        bound_bytes: usize,
        encode: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
    ) -> Result<Bytes, LargeAnswerError> {
        let slot = self.slot(answer);
        let Ok(mut made) = slot.try_lock() else {
            // What it needs may be large, and many may wait.
            drop(encode);
            let waiting = tokio::time::timeout(self.budget.timeout(), slot.lock());
            let made = waiting.await.ok().and_then(|made| made.upgrade());
            return made.map(share).ok_or(BudgetExhausted::Total.into());
        };
        if let Some(made) = made.upgrade() {
            return Ok(share(made));
        }
        let answer = self.make_budgeted(user, bound_bytes, encode).await?;
        *made = Arc::downgrade(&answer);
        drop(made);
        Ok(share(answer))
    }

    async fn make_budgeted(
        &self,
        user: &UserId,
        bound_bytes: usize,
        encode: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
    ) -> Result<Arc<BudgetedBytes>, LargeAnswerError> {
        let permit = self.budget.acquire(user, bound_bytes).await?;
        // The permit lives as long as the work, also when its client has left.
        let encode = move || Ok(BudgetedBytes::new(encode()?, permit));
        let encoded = if bound_bytes <= INLINE_MAX_BYTES {
            encode()
        } else {
            let encoding = tokio::task::spawn_blocking(encode).await;
            encoding.map_err(io::Error::other).flatten()
        };
        let encoded = encoded.map_err(|error| LargeAnswerError::Encoding(Arc::new(error)));
        encoded.map(Arc::new)
    }

    fn slot(&self, answer: SharedAnswer) -> Slot {
        let mut shared = self.shared.lock();
        shared.retain(|_, slot| {
            // A slot that is locked is in use.
            Arc::strong_count(slot) > 1
                || slot.try_lock().map_or(true, |made| made.strong_count() > 0)
        });
        Arc::clone(shared.entry(answer).or_default())
    }
}

/// Bytes that occupy a part of the budget.
#[derive(Debug)]
struct BudgetedBytes {
    bytes: Vec<u8>,
    _permit: BudgetPermit,
}

impl BudgetedBytes {
    fn new(mut bytes: Vec<u8>, mut permit: BudgetPermit) -> Self {
        bytes.shrink_to_fit();
        permit.shrink_to(bytes.len());
        Self {
            bytes,
            _permit: permit,
        }
    }
}

/// One reader's hold on shared bytes.
struct SharedBytes(Arc<BudgetedBytes>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

fn share(bytes: Arc<BudgetedBytes>) -> Bytes {
    Bytes::from_owner(SharedBytes(bytes))
}

/// A body of bytes that are copied for its connection piece by piece, as the client takes them.
pub(crate) struct PiecewiseBody {
    pieces: Pieces,
    _permit: WatcherPermit,
}

impl PiecewiseBody {
    /// A body whose reader counts like a watcher.
    pub(crate) fn new(bytes: Bytes, permit: WatcherPermit) -> Self {
        Self {
            pieces: bytes.into(),
            _permit: permit,
        }
    }
}

impl MessageBody for PiecewiseBody {
    type Error = SlowReader;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.pieces.rest.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, SlowReader>>> {
        Poll::Ready(self.pieces.next())
    }
}

/// The pieces of an answer, each of which is asked for when the client has taken those before it.
pub(crate) struct Pieces {
    rest: Bytes,
    taken_bytes: usize,
    /// When the first piece was asked for.
    began: Option<Instant>,
}

/// The client takes a large answer too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client reads less than {READ_BYTES_PER_SECOND} bytes in a second")]
pub(crate) struct SlowReader;

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Self {
        Self {
            rest: bytes,
            taken_bytes: 0,
            began: None,
        }
    }
}

impl Iterator for Pieces {
    type Item = Result<Bytes, SlowReader>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE_BYTES));
        if piece.is_empty() {
            return None;
        }
        if !self.rest.is_empty() {
            let began = *self.began.get_or_insert_with(Instant::now);
            let seconds = (self.taken_bytes / READ_BYTES_PER_SECOND).try_into();
            let expected = Duration::from_secs(seconds.unwrap_or(u64::MAX));
            if began.elapsed() > expected + READ_GRACE {
                return Some(Err(SlowReader));
            }
        }
        self.taken_bytes += piece.len();
        Some(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_large_answer_too_slowly_gets_no_more_of_it() {
        let mut pieces = Pieces::from(Bytes::from(vec![b'x'; 40 * PIECE_BYTES]));
        let second_piece = Duration::from_secs(2);
        for _ in 0..30 {
            assert!(pieces.next().unwrap().is_ok());
            tokio::time::advance(second_piece).await;
        }
        tokio::time::advance(READ_GRACE).await;
        assert!(pieces.next().unwrap().is_ok(), "as slow as allowed");
        tokio::time::advance(second_piece + Duration::from_millis(1)).await;
        assert_eq!(pieces.next(), Some(Err(SlowReader)));
    }
}
