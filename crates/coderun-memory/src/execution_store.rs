//! The [`ExecutionStore`] side of the backend.

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, Health, Page, StoreError, Submitted,
    Summary, UserId,
};

use crate::MemoryBackend;

#[async_trait]
impl ExecutionStore for MemoryBackend {
    async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError> {
        self.step(|ledger, now| ledger.submit(execution, now))
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        Ok(self.step(|ledger, now| ledger.get(id, now)))
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        Ok(self.step(|ledger, now| ledger.list(user, page, now)))
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        Ok(self.step(|ledger, now| ledger.request_cancel(id, now)))
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        Ok(self.step(|ledger, now| ledger.delete(id, now)))
    }

    /// Exact for up to 128 users who wait for one language; of more users some are looked at, and the rest are taken to be
    /// like them.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        Ok(self.step(|ledger, now| ledger.queue_position(id, now)))
    }

    /// The process itself is the backend: it always answers, and never outlives the process.
    async fn check(&self) -> Result<Health, StoreError> {
        Ok(Health::limited(
            "state is kept in memory and is gone when the process ends",
        ))
    }
}
