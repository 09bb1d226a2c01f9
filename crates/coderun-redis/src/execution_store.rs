//! Implements [`ExecutionStore`].

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, Health, Page, StoreError, Submitted,
    Summary, UserId, WorkerId,
};

use crate::RedisBackend;

#[async_trait]
impl ExecutionStore for RedisBackend {
    async fn submit(
        &self,
        execution: &Execution,
        offer: Option<WorkerId>,
    ) -> Result<Submitted, StoreError> {
        let submitting = self.submit_with_offer(execution, offer);
        let submitted: Result<_, StoreError> = self.timed("submit", submitting).await;
        match &submitted {
            Ok(Submitted::Leased(lease)) => self.shared.feed.begin(lease),
            // What is known may be about an earlier execution with the same id.
            Ok(Submitted::Accepted) => self.shared.feed.changed(execution.id()),
            Ok(Submitted::AlreadyExists(_)) | Err(_) => {}
        }
        submitted
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.timed("get", self.read_execution(id)).await
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.timed("list", self.list_step(user, page)).await
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        self.timed("request_cancel", self.cancel_step(id)).await
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        self.timed("delete", self.delete_step(id)).await
    }

    /// On a Cluster this is the position among the executions of the same partition.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        self.timed("queue_position", self.position_step(id)).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.timed("check_store", self.store_health()).await
    }
}
