//! The [`ExecutionQueue`] side of the backend.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, ForcedEnd, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal,
    RunEvent, Sequence, Swept, WorkerId,
};
use coderun_record::{encode_outcome, encode_run_event};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::lease_step::{holder, unless_lost};
use crate::reply::{Reply, UnexpectedReply};
use crate::script::{Arguments, Script};

#[async_trait]
impl ExecutionQueue for RedisBackend {
    /// One step in each partition until one has something: one in all on a single node.
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
    ) -> Result<Option<Lease>, QueueError> {
        self.timed("take", async {
            Ok(self.take_somewhere(worker, languages).await?)
        })
        .await
    }

    /// A taker that has found nothing misses nothing that comes up before it calls this, unless another taker of this
    /// process finds nothing in between.
    async fn work_available(&self) {
        let seen = &self.taking().seen;
        let generation = self.hub().work_beyond(seen.load(Ordering::Acquire)).await;
        // Whoever was told once looks for work now, and need not be told of the same again.
        seen.store(generation, Ordering::Release);
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        self.timed("renew", async {
            let reply = self.held_step(lease, &self.scripts().renew, |holder| holder);
            let reply = reply.await?;
            match reply.word() {
                "continue" => Ok(Renewal::Continue),
                "cancel" => Ok(Renewal::Cancel),
                _ => Err(unexpected(UnexpectedReply)),
            }
        })
        .await
    }

    async fn cancel_requested(&self, lease: &Lease) {
        self.hub().cancelled(lease.id()).await;
    }

    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        self.timed("append", async {
            let reply = self.held_step(lease, &self.scripts().append, |holder| {
                let holder = holder.number(after.number());
                let events = events.iter().map(encode_run_event);
                events.fold(holder, Arguments::bytes)
            });
            let number = reply.await?.number().map_err(unexpected)?;
            Ok(Sequence::from_number(number))
        })
        .await
    }

    async fn finish(&self, lease: &Lease, outcome: &Outcome) -> Result<(), QueueError> {
        self.timed("finish", async {
            let fields = encode_outcome(outcome).map_err(AdapterError::Unwritable)?;
            let arguments = holder(lease).fields(fields);
            let script = &self.scripts().finish;
            let reply = self.step_for_good(lease.id(), script, arguments).await?;
            unless_lost(reply).map(drop).ok_or(QueueError::LeaseLost)
        })
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.timed("release", async {
            let why = ForcedEnd::Cancelled;
            let script = &self.scripts().release;
            self.held_step(lease, script, |holder| {
                let verdict = why.ending().verdict();
                holder.text(verdict.as_str()).text(why.as_str())
            })
            .await?;
            Ok(())
        })
        .await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.timed("sweep", async { Ok(self.sweep_everywhere().await?) })
            .await
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.timed("depth", async { Ok(self.depth_everywhere().await?) })
            .await
    }

    async fn check(&self) -> Result<Health, QueueError> {
        self.timed("check_queue", async { Ok(self.write_health().await?) })
            .await
    }
}

impl RedisBackend {
    async fn held_step<'a>(
        &self,
        lease: &'a Lease,
        script: &Script,
        add: impl FnOnce(Arguments<'a>) -> Arguments<'a> + Send,
    ) -> Result<Reply, QueueError> {
        let reply = self.lease_step(lease, script, add).await?;
        reply.ok_or(QueueError::LeaseLost)
    }
}

fn unexpected(surprise: UnexpectedReply) -> QueueError {
    AdapterError::from(surprise).into()
}
