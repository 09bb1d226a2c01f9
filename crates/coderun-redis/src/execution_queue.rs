//! Implements [`ExecutionQueue`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    ExecutionQueue, Health, Language, Lease, Outcome, QueueDepth, QueueError, Renewal, RunEvent,
    Sequence, Swept, TakeFor, WorkerId,
};
use coderun_record::micros;
use futures_util::future::try_join_all;
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::feed::Feed;
use crate::finishing::{FinishedRun, finish};
use crate::health::write_health;
use crate::partition_totals::read_totals;
use crate::step::{DoneReply, Script, Step};
use crate::stored_events::encode_events;
use crate::subscriber::Subscriber;
use crate::sweep::Sweeper;
use crate::taking::{TakeRequest, Taker};

/// The queue of a backend.
#[derive(Debug)]
pub(crate) struct RedisExecutionQueue {
    pub(crate) client: Arc<Client>,
    pub(crate) taker: Taker,
    pub(crate) sweeper: Sweeper,
    pub(crate) retention: Duration,
    pub(crate) subscriber: Arc<Subscriber>,
    pub(crate) feed: Arc<Feed>,
}

/// The reply to `renew`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RenewReply {
    Continue,
    Cancel,
}

/// The reply to `append`: the number of the last event.
#[derive(Deserialize)]
struct AppendReply {
    sequence: u64,
}

#[async_trait]
impl ExecutionQueue for RedisExecutionQueue {
    /// Runs one step in each partition until enough is taken; a single node has one partition.
    async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        users: TakeFor,
        at_most: usize,
    ) -> Result<Vec<Lease>, QueueError> {
        let taking = self.taker.take(TakeRequest {
            worker,
            languages,
            users,
            at_most,
        });
        let leases: Result<Vec<Lease>, QueueError> = self.client.timed("take", taking).await;
        for lease in leases.iter().flatten() {
            self.feed.begin(lease);
        }
        leases
    }

    /// A worker that found nothing misses no work that arrives before it calls this, unless another worker of this process
    /// finds nothing in between.
    async fn work_available(&self, users: TakeFor) {
        self.taker.work_available(users).await;
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, QueueError> {
        let renewing = async {
            let step = step_of_holder("renew", lease)?;
            let reply = self.client.run(lease.id(), Script::Hot, step).await?;
            Ok::<_, AdapterError>(match reply {
                RenewReply::Continue => Renewal::Continue,
                RenewReply::Cancel => Renewal::Cancel,
            })
        };
        self.client.timed("renew", renewing).await
    }

    async fn cancel_requested(&self, lease: &Lease) {
        self.subscriber.cancelled(lease.id()).await;
    }

    async fn append(
        &self,
        lease: &Lease,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        let appending = async {
            let (id, (worker, started, attempt)) = (lease.id().to_string(), fence(lease));
            let header = ("append", id, (), worker, started, attempt, after.number());
            let step = Step::new(&header)?.with_texts(&encode_events(events));
            let reply: AppendReply = self.client.run(lease.id(), Script::Hot, step).await?;
            Ok::<_, AdapterError>(Sequence::from_number(reply.sequence))
        };
        let appended: Result<_, QueueError> = self.client.timed("append", appending).await;
        match &appended {
            Ok(_) => self.feed.append(lease.id(), after, events),
            Err(_) => self.feed.changed(lease.id()),
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
        let finishing = finish(&self.client, self.retention, run);
        let finished: Result<_, QueueError> = self.client.timed("finish", finishing).await;
        match &finished {
            Ok(Some(end)) => self.feed.finish(run, *end),
            // It was finished by an earlier call, or is another worker's now.
            Ok(None) | Err(_) => self.feed.changed(lease.id()),
        }
        finished.map(drop)
    }

    async fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        let releasing = async {
            let step = step_of_holder("release", lease)?.replicated();
            match self.client.run(lease.id(), Script::Rare, step).await? {
                DoneReply::Done => Ok(()),
                DoneReply::Absent => Err(AdapterError::LeaseLost),
            }
        };
        self.client.timed("release", releasing).await
    }

    async fn sweep(&self) -> Result<Swept, QueueError> {
        self.client.timed("sweep", self.sweeper.sweep()).await
    }

    /// Adds up the totals of all partitions. Each is read at its own time, so recent changes may be missing.
    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let reading = async {
            let partitions = self.client.layout.partitions();
            let totals = partitions.map(|each| read_totals(&self.client, each));
            let totals = try_join_all(totals).await?;
            Ok::<_, AdapterError>(QueueDepth {
                pending: totals.iter().map(|each| each.pending).sum(),
                running: totals.iter().map(|each| each.running).sum(),
            })
        };
        self.client.timed("depth", reading).await
    }

    async fn check(&self) -> Result<Health, QueueError> {
        let checking = write_health(&self.client);
        self.client.timed("check_queue", checking).await
    }
}

/// A step of the holder of a lease, without arguments.
fn step_of_holder(name: &'static str, lease: &Lease) -> Result<Step, AdapterError> {
    let (worker, started, attempt) = fence(lease);
    Step::new(&(name, lease.id().to_string(), (), worker, started, attempt))
}

/// The worker, the start and the attempt of a lease, as headers of steps have them: a script compares them with the stored ones.
pub(crate) fn fence(lease: &Lease) -> (&str, i64, u32) {
    let started = micros(lease.started_at());
    (lease.worker().as_str(), started, lease.attempt().count())
}
