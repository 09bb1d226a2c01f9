//! Implements the [`ExecutionQueue`].

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, OutputChunk, QueueDepth, QueueError, Renewal,
    RunEvent, Sequence, Swept, TakeFor, WorkerId,
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
        users: TakeFor,
        at_most: usize,
    ) -> Result<Vec<Lease>, QueueError> {
        let (worker, languages) = (worker.clone(), languages.to_vec());
        let take = move |ledger: &mut Ledger| Ok(ledger.take(&worker, &languages, users, at_most));
        self.step("take", take).await
    }

    /// Returns at once if work has come up since the last `take` that found less than it was asked for. If that `take` was
    /// for other languages, this waits for the next work.
    ///
    /// While no step can be run, this and the other hints return about once a second.
    async fn work_available(&self, users: TakeFor) {
        self.wait_for(move |ledger| ledger.listen_for_work(users))
            .await;
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        let lease = lease.clone();
        self.step("renew", move |ledger| ledger.renew(&lease)).await
    }

    /// Also returns when the lease is lost; the worker finds that out when it renews.
    async fn cancel_requested(&self, lease: &Lease) {
        let mut is_waiting = true;
        while is_waiting {
            let lease = lease.clone();
            let listen = move |ledger: &mut Ledger| ledger.listen_for_cancel(&lease);
            is_waiting = self.wait_for(listen).await;
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
        let append = move |ledger: &mut Ledger| ledger.append(&lease, after, events);
        self.step("append", append).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError> {
        let (lease, outcome) = (lease.clone(), outcome.clone());
        let events = events.iter().map(compact).collect();
        let finish = move |ledger: &mut Ledger| ledger.finish(&lease, after, events, outcome);
        // An outcome is large, and would be copied from call to call.
        self.step("finish", Box::new(finish)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        let lease = lease.clone();
        self.step("release", move |ledger| ledger.release(&lease))
            .await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        let mut swept = Swept::default();
        loop {
            let sweep =
                |ledger: &mut Ledger| -> Result<_, QueueError> { Ok(ledger.sweep(SWEEP_BATCH)) };
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
        self.step("depth", |ledger| Ok(ledger.depth())).await
    }

    /// Good while steps can be run.
    async fn check(&self) -> Result<Health, QueueError> {
        self.step("check_queue", |_| Ok(Health::Good)).await
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
