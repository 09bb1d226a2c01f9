//! Wraps a queue whose calls fail as often as a test says.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal, RunEvent,
    Sequence, Swept, TakeFor, WorkerId,
};
use coderun_memory::MemoryBackend;

/// A queue whose calls fail a few times before they reach the real one, or whose replies are lost after they did.
#[derive(Debug)]
pub(super) struct FlakyQueue {
    inner: MemoryBackend,
    pub(super) takes: AtomicUsize,
    pub(super) finishes_to_lose: AtomicUsize,
    pub(super) replies_to_lose: AtomicUsize,
    pub(super) renewals_to_lose: AtomicUsize,
    pub(super) renewals: AtomicUsize,
    /// The number of times that it has lost the events that were appended before a finish.
    pub(super) gaps: AtomicUsize,
}

impl FlakyQueue {
    pub(super) fn over(inner: MemoryBackend) -> Self {
        Self {
            inner,
            takes: AtomicUsize::default(),
            finishes_to_lose: AtomicUsize::default(),
            replies_to_lose: AtomicUsize::default(),
            renewals_to_lose: AtomicUsize::default(),
            renewals: AtomicUsize::default(),
            gaps: AtomicUsize::default(),
        }
    }
}

fn lose(calls: &AtomicUsize) -> Result<(), QueueError> {
    let one_less = |left: usize| left.checked_sub(1);
    match calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less) {
        Ok(_) => Err(QueueError::Unavailable {
            backend: "flaky",
            source: "connection reset".into(),
        }),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl ExecutionQueue for FlakyQueue {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        users: TakeFor,
        at_most: usize,
    ) -> Result<Vec<Lease>, QueueError> {
        self.takes.fetch_add(1, Ordering::SeqCst);
        self.inner.take(worker, languages, users, at_most).await
    }
    async fn work_available(&self, users: TakeFor) {
        self.inner.work_available(users).await;
    }
    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.renewals.fetch_add(1, Ordering::SeqCst);
        lose(&self.renewals_to_lose)?;
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
        let stored = self.inner.append(lease, after, events).await;
        lose(&self.replies_to_lose)?;
        stored
    }
    async fn finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError> {
        if after > lease.execution().sequence() && lose(&self.gaps).is_err() {
            return Err(QueueError::LeaseLost);
        }
        lose(&self.finishes_to_lose)?;
        let stored = self.inner.finish(lease, after, events, outcome).await;
        lose(&self.replies_to_lose)?;
        stored
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
        ExecutionQueue::check(&self.inner).await
    }
}
