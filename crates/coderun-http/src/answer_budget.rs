//! Bounds the memory that large answers occupy until their readers take them.
//!
//! An answer is built as a whole and stays in memory until its reader has taken it, or is cut off for taking nothing. Most
//! answers are small. The records of programs that wrote much are not, and one client may ask for many and read none.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, SizedStream};
use actix_web::web::Bytes;
use coderun_domain::ByteSize;
use futures_util::{StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Answers up to this size are not counted: the number of sockets and connections bounds them.
const SMALL_MAX_BYTES: usize = 64 << 10;

/// The memory for the large answers of all clients, counted in KiB.
#[derive(Debug, Clone)]
pub(crate) struct AnswerBudget {
    available: Arc<Semaphore>,
    total_kib: u32,
}

/// The share of one answer, given back when it is dropped. `None` for a small answer.
pub(crate) type BudgetPermit = Option<OwnedSemaphorePermit>;

/// The budget was used up for the whole timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetExhausted;

impl AnswerBudget {
    pub(crate) fn new(max: ByteSize) -> Self {
        let total_kib = u32::try_from(max.as_bytes() >> 10).unwrap_or(u32::MAX >> 3);
        let permits = usize::try_from(total_kib).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            available: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            total_kib,
        }
    }

    /// Whether an answer of this length needs a share.
    pub(crate) const fn counts(length_bytes: usize) -> bool {
        length_bytes > SMALL_MAX_BYTES
    }

    /// Waits for the share of an answer of this length. An answer larger than the budget takes all of it.
    pub(crate) async fn acquire(
        &self,
        length_bytes: usize,
        timeout: Duration,
    ) -> Result<BudgetPermit, BudgetExhausted> {
        if !Self::counts(length_bytes) {
            return Ok(None);
        }
        let kib = u32::try_from(length_bytes >> 10).unwrap_or(u32::MAX);
        let acquiring = Arc::clone(&self.available).acquire_many_owned(kib.min(self.total_kib));
        match tokio::time::timeout(timeout, acquiring).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => Err(BudgetExhausted),
        }
    }
}

/// A response body that owns its budget permit: actix drops both when the body is written.
pub(crate) fn budgeted_body(bytes: Vec<u8>, permit: BudgetPermit) -> BoxBody {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let pieces = stream::iter([Bytes::from(bytes)]).map(move |bytes| {
        let _held = &permit;
        Ok::<_, Infallible>(bytes)
    });
    BoxBody::new(SizedStream::new(size, pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn large_answers_share_the_budget_and_small_ones_need_none() {
        let budget = AnswerBudget::new(ByteSize::from_mib(1));
        let large = budget.acquire(600 << 10, TIMEOUT).await.unwrap();
        assert!(budget.acquire(600 << 10, TIMEOUT).await.is_err());
        let small = budget.acquire(SMALL_MAX_BYTES, TIMEOUT).await;
        assert!(small.unwrap().is_none());
        drop(large);
        assert!(budget.acquire(600 << 10, TIMEOUT).await.is_ok());
    }

    #[tokio::test]
    async fn an_answer_larger_than_the_budget_takes_all_of_it() {
        let budget = AnswerBudget::new(ByteSize::from_mib(1));
        let _huge = budget.acquire(5 << 20, TIMEOUT).await.unwrap();
        let refused = budget.acquire(65 << 10, TIMEOUT).await;
        assert_eq!(refused.err(), Some(BudgetExhausted));
    }
}
