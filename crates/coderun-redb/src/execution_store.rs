//! The [`ExecutionStore`] side of the backend.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, Health, Page, StoreError, Submitted,
    Summary, UserId,
};

use crate::RedbBackend;
use crate::backend::{BACKEND, whole_micros};
use crate::error::StepFault;

#[async_trait]
impl ExecutionStore for RedbBackend {
    async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError> {
        let submission = Arc::clone(execution.submission());
        let created_at = whole_micros(execution.progress().created_at());
        let execution = Execution::submit(execution.id(), submission, created_at);
        self.step(move |ledger, now| ledger.submit(&execution, now))
            .await
            .map_err(unavailable)?
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.step(move |ledger, now| ledger.get(id, now))
            .await
            .map_err(unavailable)
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        let user = user.clone();
        self.step(move |ledger, now| ledger.list(&user, page, now))
            .await
            .map_err(unavailable)
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        self.step(move |ledger, now| ledger.request_cancel(id, now))
            .await
            .map_err(unavailable)
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        self.step(move |ledger, now| ledger.delete(id, now))
            .await
            .map_err(unavailable)
    }

    /// As exact as that of the memory adapter.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        self.step(move |ledger, now| ledger.queue_position(id, now))
            .await
            .map_err(unavailable)
    }

    /// Good while the file is open: a full disk shows itself with the next change.
    async fn check(&self) -> Result<Health, StoreError> {
        self.step(|_, _| Health::Good).await.map_err(unavailable)
    }
}

fn unavailable(fault: StepFault) -> StoreError {
    StoreError::Unavailable {
        backend: BACKEND,
        source: Box::new(fault),
    }
}
