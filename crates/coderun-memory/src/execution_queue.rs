//! The [`ExecutionQueue`] side of the backend.

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, OutputChunk, QueueDepth, QueueError, Renewal,
    RunEvent, Sequence, Swept, WorkerId,
};

use crate::MemoryBackend;

/// What a sweep does at most before it lets others at the ledger.
const SWEEP_BATCH: usize = 64;

#[async_trait]
impl ExecutionQueue for MemoryBackend {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        Ok(self.step(|ledger, now| ledger.take(worker, languages, now)))
    }

    /// A taker that has found nothing misses nothing that comes up before it calls this, unless a taker with other
    /// languages finds nothing in between: that one has seen the news, and this one waits for the next.
    async fn work_available(&self) {
        if let Some(mut listener) = self.step(|ledger, _| ledger.listen_for_work()) {
            listener.woken().await;
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.step(|ledger, now| ledger.renew(lease, now))
    }

    /// Answers also when the lease is lost, so that the worker learns of that by renewing it.
    async fn cancel_requested(&self, lease: &Lease) {
        while let Some(mut listener) = self.step(|ledger, now| ledger.listen_for_cancel(lease, now))
        {
            listener.woken().await;
        }
    }

    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        let events = events.iter().map(compact).collect();
        self.step(|ledger, now| ledger.append(lease, after, events, now))
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        self.step(|ledger, now| ledger.finish(lease, outcome, now))
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.step(|ledger, now| ledger.release(lease, now))
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        let mut swept = Swept::default();
        loop {
            let part = self.step(|ledger, now| ledger.sweep(SWEEP_BATCH, now));
            swept.ended += part.ended;
            swept.expired += part.expired;
            if part.ended.max(part.expired) < SWEEP_BATCH {
                return Ok(swept);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        Ok(self.step(|ledger, _| ledger.depth()))
    }

    /// Always `Ok`: the process itself is the backend.
    async fn check(&self) -> Result<Health, QueueError> {
        Ok(Health::Good)
    }
}

/// Output in a buffer of its own: as a slice of a larger one it would keep more in memory than is counted.
fn compact(event: &RunEvent) -> RunEvent {
    match event {
        RunEvent::Output(chunk) => RunEvent::Output(OutputChunk {
            bytes: Bytes::copy_from_slice(&chunk.bytes),
            ..chunk.clone()
        }),
        RunEvent::AwaitingInput(attempt) => RunEvent::AwaitingInput(*attempt),
    }
}
