//! Implements the [`ExecutionQueue`].

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, OutputChunk, QueueDepth, QueueError, Renewal,
    RunEvent, Sequence, Swept, WorkerId,
};

use crate::access::LedgerAccess;
use crate::backend::{LedgerBackend, own_buffer};
use crate::ledger::Ledger;

/// How much a sweep does in one step, so that others get at the ledger in between.
const SWEEP_BATCH: usize = 64;

#[async_trait]
impl<A: LedgerAccess> ExecutionQueue for LedgerBackend<A> {
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        let (worker, languages) = (worker.clone(), languages.to_vec());
        let take = move |ledger: &mut Ledger, now| Ok(ledger.take(&worker, &languages, now));
        self.step("take", take).await
    }

    /// A taker that has found nothing misses nothing that comes up before it calls this, unless a taker with other
    /// languages finds nothing in between: that one has seen the signal, and this one waits for the next.
    ///
    /// While no step can be run this answers for nothing about once a second, as do the other hints.
    async fn work_available(&self) {
        let listener = self.hint(|ledger, _| ledger.listen_for_work()).await;
        if let Some(mut listener) = listener {
            listener.woken().await;
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        let lease = lease.clone();
        self.step("renew", move |ledger, now| ledger.renew(&lease, now))
            .await
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
        let append = move |ledger: &mut Ledger, now| ledger.append(&lease, after, events, now);
        self.step("append", append).await
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        let (lease, outcome) = (lease.clone(), outcome.clone());
        let finish = move |ledger: &mut Ledger, now| ledger.finish(&lease, outcome, now);
        self.step("finish", finish).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        let lease = lease.clone();
        self.step("release", move |ledger, now| ledger.release(&lease, now))
            .await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        let mut swept = Swept::default();
        loop {
            let sweep = |ledger: &mut Ledger, now| -> Result<_, QueueError> {
                Ok(ledger.sweep(SWEEP_BATCH, now))
            };
            let part = self.step("sweep", sweep).await?;
            swept.ended += part.ended;
            swept.expired += part.expired;
            if part.ended.max(part.expired) < SWEEP_BATCH {
                return Ok(swept);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.step("depth", |ledger, _| Ok(ledger.depth())).await
    }

    /// Good while steps can be run.
    async fn check(&self) -> Result<Health, QueueError> {
        self.step("check_queue", |_, _| Ok(Health::Good)).await
    }
}

fn compact(event: &RunEvent) -> RunEvent {
    match event {
        RunEvent::Output(chunk) => RunEvent::Output(OutputChunk {
            bytes: own_buffer(&chunk.bytes),
            ..chunk.clone()
        }),
        RunEvent::AwaitingInput(attempt) => RunEvent::AwaitingInput(*attempt),
    }
}
