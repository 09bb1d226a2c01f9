//! Times the calls of the queue.

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal, RunEvent,
    Sequence, Swept, WorkerId,
};

use super::timing::Timing;

/// A queue whose calls are recorded.
#[derive(Debug)]
pub(crate) struct MeasuredExecutionQueue {
    inner: Arc<dyn ExecutionQueue>,
    take: Timing,
    renew: Timing,
    append: Timing,
    finish: Timing,
    release: Timing,
    sweep: Timing,
    depth: Timing,
    check: Timing,
}

impl MeasuredExecutionQueue {
    pub(crate) fn new(inner: Arc<dyn ExecutionQueue>, backend: &'static str) -> Self {
        let timing = |operation| Timing::new(backend, operation);
        Self {
            inner,
            take: timing("take"),
            renew: timing("renew"),
            append: timing("append"),
            finish: timing("finish"),
            release: timing("release"),
            sweep: timing("sweep"),
            depth: timing("depth"),
            check: timing("check_queue"),
        }
    }
}

#[async_trait]
impl ExecutionQueue for MeasuredExecutionQueue {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        self.take.of(self.inner.take(worker, languages)).await
    }

    async fn work_available(&self) {
        self.inner.work_available().await;
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.renew.of(self.inner.renew(lease)).await
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
        let call = self.inner.append(lease, after, events);
        self.append.of(call).await
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        self.finish.of(self.inner.finish(lease, outcome)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.release.of(self.inner.release(lease)).await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.sweep.of(self.inner.sweep()).await
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.depth.of(self.inner.depth()).await
    }

    async fn check(&self) -> Result<Health, QueueError> {
        self.check.of(self.inner.check()).await
    }
}
