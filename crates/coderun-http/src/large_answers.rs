//! Makes large answers within a budget of memory, off the event loop, and once for all who ask for the same record.
//!
//! An answer stays in memory until its reader has taken it, or is cut off for taking nothing. Most answers are small. The
//! records of programs that wrote much are not, and one client may ask for many and read none. So memory for a large answer
//! is taken by an upper bound of its length before it is made, and given back with the last copy of its bytes.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use coderun_domain::{ExecutionId, FailureKind, UserId};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
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
    budget: Arc<MemoryBudget>,
    /// The answers that are the same for all who ask, while they are made or read.
    shared: Mutex<HashMap<SharedAnswer, WeakShared<AnswerFuture>>>,
}

/// An answer that is the same for all who ask: the final record of an execution. The time of the submission tells executions
/// apart that had the same id one after the other.
type SharedAnswer = (ExecutionId, OffsetDateTime, Audience);

/// The making of one answer. It belongs to all who wait for it, so it goes on while one of them is left.
type AnswerFuture = BoxFuture<'static, Result<Arc<BudgetedBytes>, LargeAnswerError>>;

impl LargeAnswers {
    pub(crate) fn new(budget: MemoryBudget) -> Self {
        Self {
            budget: Arc::new(budget),
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
        let answer = make_budgeted(&self.budget, user, bound_bytes, encode).await?;
        Ok(Bytes::from_owner(answer))
    }

    /// Makes an answer, or waits for the one that others are waiting for or reading.
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
        let future = self.join_or_begin(answer, || {
            let (budget, user) = (Arc::clone(&self.budget), user.clone());
            async move {
                let made = make_budgeted(&budget, &user, bound_bytes, encode).await;
                made.map(Arc::new)
            }
            .boxed()
        });
        let made = future.clone().await?;
        Ok(Bytes::from_owner(SharedBytes {
            made,
            _future: future,
        }))
    }

    /// Joins the making of a shared answer, or begins it. What a second one would need may be large, so it is not kept.
    fn join_or_begin(
        &self,
        answer: SharedAnswer,
        begin: impl FnOnce() -> AnswerFuture,
    ) -> Shared<AnswerFuture> {
        let mut shared = self.shared.lock();
        if let Some(future) = shared.get(&answer).and_then(WeakShared::upgrade) {
            return future;
        }
        shared.retain(|_, future| future.upgrade().is_some());
        let future = begin().shared();
        shared.extend(future.downgrade().map(|weak| (answer, weak)));
        future
    }
}

async fn make_budgeted(
    budget: &MemoryBudget,
    user: &UserId,
    bound_bytes: usize,
    encode: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
) -> Result<BudgetedBytes, LargeAnswerError> {
    let permit = budget.acquire(user, bound_bytes).await?;
    // The permit lives as long as the work, also when its clients have left.
    let encode = move || Ok(BudgetedBytes::new(encode()?, permit));
    let encoded = if bound_bytes <= INLINE_MAX_BYTES {
        encode()
    } else {
        let encoding = tokio::task::spawn_blocking(encode).await;
        encoding.map_err(io::Error::other).flatten()
    };
    encoded.map_err(|error| LargeAnswerError::Encoding(Arc::new(error)))
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

impl AsRef<[u8]> for BudgetedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// One reader's hold on shared bytes. While it lasts, others find their making.
struct SharedBytes {
    made: Arc<BudgetedBytes>,
    _future: Shared<AnswerFuture>,
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.made.bytes
    }
}

/// A body of bytes that are copied for its connection piece by piece, as the client takes them.
pub(crate) struct PiecewiseBody {
    pieces: Pieces,
    _permit: Option<WatcherPermit>,
}

impl PiecewiseBody {
    /// A body whose reader counts like a watcher.
    pub(crate) fn new(bytes: Bytes, permit: WatcherPermit) -> Self {
        Self {
            pieces: bytes.into(),
            _permit: Some(permit),
        }
    }

    /// A body of bytes that the process holds anyway, for anybody.
    pub(crate) fn of_all(bytes: Bytes) -> Self {
        Self {
            pieces: bytes.into(),
            _permit: None,
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
    use std::sync::mpsc;

    use coderun_domain::ByteSize;
    use coderun_domain::testing::{execution_id, user};

    use super::*;

    #[tokio::test]
    async fn who_waits_for_an_answer_gets_it_although_the_first_who_asked_has_left() {
        let budget = MemoryBudget::new(ByteSize::from_mib(64), Duration::from_secs(1));
        let (answers, alice) = (LargeAnswers::new(budget), user("alice"));
        let (release, released) = mpsc::channel();
        let ask = |encode: Box<dyn FnOnce() -> io::Result<Vec<u8>> + Send>| {
            let answer = (
                execution_id(1),
                OffsetDateTime::UNIX_EPOCH,
                Audience::Reader,
            );
            Box::pin(answers.make_once(answer, &alice, 2 * INLINE_MAX_BYTES, encode))
        };
        let mut first = ask(Box::new(move || {
            released.recv().map_err(io::Error::other)?;
            Ok(b"made once".to_vec())
        }));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = ask(Box::new(|| Err(io::Error::other("made twice"))));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        release.send(()).unwrap();
        assert_eq!(second.await.unwrap(), "made once");
    }

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
