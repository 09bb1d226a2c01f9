//! How long the store takes.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, Health, Page, StoreError, Submitted,
    Summary, UserId,
};

use super::timing::Timing;

/// A store whose calls are recorded.
#[derive(Debug)]
pub(crate) struct MeasuredExecutionStore {
    inner: Arc<dyn ExecutionStore>,
    submit: Timing,
    get: Timing,
    list: Timing,
    request_cancel: Timing,
    delete: Timing,
    queue_position: Timing,
    check: Timing,
}

impl MeasuredExecutionStore {
    pub(crate) fn new(inner: Arc<dyn ExecutionStore>, backend: &'static str) -> Self {
        let timing = |operation| Timing::new(backend, operation);
        Self {
            inner,
            submit: timing("submit"),
            get: timing("get"),
            list: timing("list"),
            request_cancel: timing("request_cancel"),
            delete: timing("delete"),
            queue_position: timing("queue_position"),
            check: timing("check_store"),
        }
    }
}

#[async_trait]
impl ExecutionStore for MeasuredExecutionStore {
    async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError> {
        self.submit.of(self.inner.submit(execution)).await
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.get.of(self.inner.get(id)).await
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.list.of(self.inner.list(user, page)).await
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        let call = self.inner.request_cancel(id);
        self.request_cancel.of(call).await
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        self.delete.of(self.inner.delete(id)).await
    }

    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        let call = self.inner.queue_position(id);
        self.queue_position.of(call).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.check.of(self.inner.check()).await
    }
}
