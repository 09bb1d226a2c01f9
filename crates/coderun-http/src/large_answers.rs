//! Makes large answers within a budget of memory, off the event loop, and once for all who ask for the same record.
//!
//! An answer stays in memory until its reader has taken it, or is cut off for taking nothing. Most answers are small. The
//! records of programs that wrote much are not, and one client may ask for many and read none. So memory for a large answer
//! is taken by an upper bound of its length before it is made, and given back with the last copy of its bytes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use coderun_domain::{ExecutionId, FailureKind, UserId};
use parking_lot::Mutex;

use crate::memory_budget::{BudgetExhausted, BudgetPermit, MemoryBudget};
use crate::wire::Audience;

/// An answer whose texts have at most this many bytes is small: it has at most 128 KiB, and the number of connections bounds all
/// small answers.
pub(crate) const SMALL_MAX_BYTES: usize = 16 << 10;

/// An answer above this bound is made off the event loop.
const INLINE_MAX_BYTES: usize = 512 << 10;

/// The piece of an answer that is copied for its connection at once.
const PIECE_BYTES: usize = 32 << 10;

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
            Self::Budget(BudgetExhausted::Total) => FailureKind::Overloaded,
            Self::Budget(BudgetExhausted::PerUser) => FailureKind::RateLimited,
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

/// An answer that is the same for all who ask: the final record of an execution.
type SharedAnswer = (ExecutionId, Audience);

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
pub(crate) struct PiecewiseBody(pub(crate) Bytes);

impl MessageBody for PiecewiseBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(next_piece(&mut self.0).map(Ok))
    }
}

/// Takes the next piece of an answer.
pub(crate) fn next_piece(bytes: &mut Bytes) -> Option<Bytes> {
    let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
    (!piece.is_empty()).then_some(piece)
}
