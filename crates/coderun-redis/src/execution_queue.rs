//! Implements [`ExecutionQueue`].

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use coderun_domain::{
    Event, ExecutionQueue, ForcedEnd, Health, Language, Lease, Outcome, QueueDepth, QueueError,
    Renewal, RunEvent, Sequence, Swept, WorkerId,
};
use coderun_record::{encode_event, encode_outcome};
use futures_util::future::try_join_all;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::lease_step::{fence, unless_lost};
use crate::reply::{UnexpectedReply, array, number};
use crate::script::Arguments;

#[async_trait]
impl ExecutionQueue for RedisBackend {
    /// Runs one step in each partition until one has work; a single node has one partition.
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        at_most: usize,
    ) -> Result<Vec<Lease>, QueueError> {
        let mut leases = Vec::new();
        while leases.len() < at_most {
            let taken = self.take_from_partitions(worker, languages);
            match self.timed("take", taken).await {
                Ok(Some(lease)) => leases.push(lease),
                Err(error) if leases.is_empty() => return Err(error),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(leases)
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
        self.timed("append", self.append_step(lease, after, events))
            .await
    }

    async fn finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError> {
        let finishing = self.append_and_finish(lease, after, events, outcome);
        self.timed("finish", finishing).await
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

impl RedisBackend {
    async fn renew_step(&self, lease: &Lease) -> Result<Renewal, AdapterError> {
        let reply = self.run_lease_step(lease, &self.shared.scripts.renew, |fence| fence);
        match reply.await?.word() {
            "continue" => Ok(Renewal::Continue),
            "cancel" => Ok(Renewal::Cancel),
            _ => Err(UnexpectedReply.into()),
        }
    }

    async fn append_step(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, AdapterError> {
        let reply = self.run_lease_step(lease, &self.shared.scripts.append, |fence| {
            let arguments = fence.number(after.number());
            let events = events.iter().cloned().map(Event::from);
            events.fold(arguments, |arguments, event| {
                arguments.bytes(encode_event(&event))
            })
        });
        Ok(Sequence::from_number(reply.await?.number()?))
    }

    /// Appends, if there is something to store or to prove, and then ends the execution.
    async fn append_and_finish(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), AdapterError> {
        if !events.is_empty() || after != lease.execution().sequence() {
            match self.append_step(lease, after, events).await {
                // A repetition of a finish comes after the end, which the script recognizes.
                Err(AdapterError::LeaseLost) if self.is_final(lease).await? => {}
                appended => drop(appended?),
            }
        }
        self.finish_step(lease, outcome).await
    }

    async fn is_final(&self, lease: &Lease) -> Result<bool, AdapterError> {
        let execution = self.read_record(lease.id()).await?;
        Ok(execution.is_some_and(|execution| execution.status().is_final()))
    }

    async fn finish_step(&self, lease: &Lease, outcome: &Outcome) -> Result<(), AdapterError> {
        let fields = encode_outcome(outcome).map_err(AdapterError::Encode)?;
        let (arguments, script) = (fence(lease).fields(fields), &self.shared.scripts.finish);
        let reply = self.run_replicated_step(lease.id(), script, arguments);
        unless_lost(reply.await?).map(drop)
    }

    async fn release_step(&self, lease: &Lease) -> Result<(), AdapterError> {
        let why = ForcedEnd::Cancelled;
        let released = self.run_lease_step(lease, &self.shared.scripts.release, |fence| {
            let verdict = why.ending().verdict();
            fence.text(verdict.as_str()).text(why.as_str())
        });
        released.await.map(drop)
    }

    /// Adds up the depths of all partitions. Each is counted at its own time, so recent changes may be missing.
    async fn depth_of_partitions(&self) -> Result<QueueDepth, AdapterError> {
        let partitions = self.shared.layout.partitions();
        let depths = try_join_all(partitions.map(|each| self.depth_of(each))).await?;
        let add = |sum: QueueDepth, each: QueueDepth| QueueDepth {
            pending: sum.pending.saturating_add(each.pending),
            running: sum.running.saturating_add(each.running),
        };
        Ok(depths.into_iter().fold(QueueDepth::default(), add))
    }

    async fn depth_of(&self, partition: Partition) -> Result<QueueDepth, AdapterError> {
        let script = &self.shared.scripts.depth;
        let counts = self.run_step(partition, script, Arguments::default());
        let [pending, running] = array(counts.await?)?
            .try_into()
            .map_err(|_| UnexpectedReply)?;
        Ok(QueueDepth {
            pending: number(&pending)?,
            running: number(&running)?,
        })
    }
}
