//! Wraps a queue that hands out nothing, so that an execution can only run under a lease that was offered.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal, RunEvent,
    Sequence, Swept, TakeFor, WorkerId,
};
use tokio::sync::Notify;

/// A queue without work.
#[derive(Debug)]
pub(super) struct EmptyQueue {
    inner: Arc<dyn ExecutionQueue>,
    /// Notified when a worker has found nothing and waits.
    pub(super) is_idle: Notify,
}

impl EmptyQueue {
    pub(super) fn over(inner: Arc<dyn ExecutionQueue>) -> Self {
        Self {
            inner,
            is_idle: Notify::new(),
        }
    }
}

#[async_trait]
impl ExecutionQueue for EmptyQueue {
    async fn take(
        &self,
        _worker: &WorkerId,
        _languages: &[Language],
        _users: TakeFor,
        _at_most: usize,
    ) -> Result<Vec<Lease>, QueueError> {
        Ok(Vec::new())
    }
    async fn work_available(&self, _users: TakeFor) {
        self.is_idle.notify_one();
        std::future::pending::<()>().await;
    }
    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.inner.renew(lease).await
    }
    async fn cancel_requested(&self, lease: &Lease) {
        self.inner.cancel_requested(lease).await;
    }
    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        self.inner.append(lease, after, events).await
    }
    async fn finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError> {
        self.inner.finish(lease, after, events, outcome).await
    }
    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.inner.release(lease).await
    }
    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.inner.sweep().await
    }
    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.inner.depth().await
    }
    async fn check(&self) -> Result<Health, QueueError> {
        self.inner.check().await
    }
}
