//! The [`ExecutionQueue`] side of the backend.

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, OutputChunk, QueueDepth, QueueError, Renewal,
    RunEvent, Sequence, Swept, WorkerId,
};

use crate::RedbBackend;
use crate::backend::BACKEND;
use crate::error::StepFault;

/// What a sweep does at most before it lets others at the ledger.
const SWEEP_BATCH: usize = 64;

#[async_trait]
impl ExecutionQueue for RedbBackend {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        let (worker, languages) = (worker.clone(), languages.to_vec());
        self.step(move |ledger, now| ledger.take(&worker, &languages, now))
            .await
            .map_err(unavailable)
    }

    /// While the file cannot be used this answers for nothing about once a second, as do the other hints.
    async fn work_available(&self) {
        let listener = self.hint(|ledger, _| ledger.listen_for_work()).await;
        if let Some(mut listener) = listener {
            listener.woken().await;
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        let lease = lease.clone();
        self.step(move |ledger, now| ledger.renew(&lease, now))
            .await
            .map_err(unavailable)?
    }

    /// Answers also when the lease is lost, so that the worker learns of that by renewing it.
    async fn cancel_requested(&self, lease: &Lease) {
        loop {
            let lease = lease.clone();
            let listener = self
                .hint(move |ledger, now| ledger.listen_for_cancel(&lease, now))
                .await;
            match listener {
                Some(mut listener) => listener.woken().await,
                None => return,
            }
        }
    }

    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        let lease = lease.clone();
        let events = events.iter().map(compact).collect();
        self.step(move |ledger, now| ledger.append(&lease, after, events, now))
            .await
            .map_err(unavailable)?
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        let (lease, outcome) = (lease.clone(), outcome.clone());
        self.step(move |ledger, now| ledger.finish(&lease, &outcome, now))
            .await
            .map_err(unavailable)?
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        let lease = lease.clone();
        self.step(move |ledger, now| ledger.release(&lease, now))
            .await
            .map_err(unavailable)?
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        let mut swept = Swept::default();
        loop {
            let part = self
                .step(|ledger, now| ledger.sweep(SWEEP_BATCH, now))
                .await
                .map_err(unavailable)?;
            swept.ended += part.ended;
            swept.expired += part.expired;
            if part.ended.max(part.expired) < SWEEP_BATCH {
                return Ok(swept);
            }
        }
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.step(|ledger, _| ledger.depth())
            .await
            .map_err(unavailable)
    }

    /// Good while the file is open.
    async fn check(&self) -> Result<Health, QueueError> {
        self.step(|_, _| Health::Good).await.map_err(unavailable)
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

fn unavailable(fault: StepFault) -> QueueError {
    QueueError::Unavailable {
        backend: BACKEND,
        source: Box::new(fault),
    }
}
