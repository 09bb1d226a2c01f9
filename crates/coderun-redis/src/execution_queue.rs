//! Implements [`ExecutionQueue`].

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal, RunEvent,
    Sequence, Swept, WorkerId,
};

use crate::RedisBackend;
use crate::finishing::FinishedRun;

#[async_trait]
impl ExecutionQueue for RedisBackend {
    /// Runs one step in each partition until enough is taken; a single node has one partition.
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        at_most: usize,
    ) -> Result<Vec<Lease>, QueueError> {
        let taken = self.take_from_partitions(worker, languages, at_most);
        let leases: Result<Vec<Lease>, QueueError> = self.timed("take", taken).await;
        for lease in leases.iter().flatten() {
            self.shared.feed.begin(lease);
        }
        leases
    }

    /// A worker that found nothing misses no work that arrives before it calls this, unless another worker of this process
    /// finds nothing in between.
    async fn work_available(&self) {
        let seen = &self.shared.take_state.seen_generation;
        let last = seen.load(Ordering::Acquire);
        let generation = self.shared.subscriber.next_work_generation(last).await;
        // The caller takes now, so the same hint must not wake it again.
        seen.store(generation, Ordering::Release);
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.timed("renew", self.renew_step(lease)).await
    }

    async fn cancel_requested(&self, lease: &Lease) {
        self.shared.subscriber.cancelled(lease.id()).await;
    }

    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        let appending = self.append_step(lease, after, events);
        let appended: Result<_, QueueError> = self.timed("append", appending).await;
        match &appended {
            Ok(_) => self.shared.feed.append(lease.id(), after, events),
            Err(_) => self.shared.feed.changed(lease.id()),
        }
        appended
    }

    async fn finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError> {
        let run = FinishedRun {
            lease,
            after,
            events,
            outcome,
        };
        let finished: Result<_, QueueError> = self.timed("finish", self.finish_step(run)).await;
        let feed = &self.shared.feed;
        match &finished {
            Ok(Some(end)) => feed.finish(run, *end),
            // It was finished by an earlier call, or is another worker's now.
            Ok(None) | Err(_) => feed.changed(lease.id()),
        }
        finished.map(drop)
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.timed("release", self.release_step(lease)).await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.timed("sweep", self.sweep_partitions()).await
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.timed("depth", self.depth_of_partitions()).await
    }

    async fn check(&self) -> Result<Health, QueueError> {
        self.timed("check_queue", self.write_health()).await
    }
}
