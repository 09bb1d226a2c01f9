//! Takes the next executions for a worker, from one partition after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use coderun_domain::{ErrorChain, ExecutionId, Language, Lease, TakeFor, WorkerId};
use parking_lot::Mutex;
use serde_bytes::ByteBuf;
use tokio::time::Instant;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::layout::{Partition, lane};
use crate::live_value::decode_live;
use crate::reply::{UnexpectedReply, optional_bytes};
use crate::step::{Script, Step, encode_values};
use crate::stored_record::StoredRecord;
use crate::subscriber::{ForUsers, Subscriber};

/// The most executions that one step takes, more than any worker has permits: scripts cannot name more in one command.
const AT_MOST: usize = 1000;
/// How long takes skip a partition whose server did not answer: each attempt costs the others the patience of a call.
const SKIP_TIME: Duration = Duration::from_secs(10);

/// What a worker asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakeRequest<'a> {
    pub(crate) worker: &'a WorkerId,
    pub(crate) languages: &'a [Language],
    pub(crate) users: TakeFor,
    pub(crate) at_most: usize,
}

/// A taken execution.
struct Taken {
    id: ExecutionId,
    live: ByteBuf,
    /// Empty if it is large.
    record: ByteBuf,
}

/// Takes executions for all workers of a process.
#[derive(Debug)]
pub(crate) struct Taker {
    client: Arc<Client>,
    subscriber: Arc<Subscriber>,
    /// The index of the partition that the next take asks first.
    next_partition: AtomicUsize,
    /// The work generations before the last takes that found nothing.
    seen: ForUsers<AtomicU64>,
    skipped_until: Mutex<HashMap<usize, Instant>>,
}

impl Taker {
    pub(crate) fn new(client: Arc<Client>, subscriber: Arc<Subscriber>) -> Self {
        Self {
            client,
            subscriber,
            next_partition: AtomicUsize::default(),
            seen: ForUsers::default(),
            skipped_until: Mutex::default(),
        }
    }

    /// Waits for work that has come up since the last take for these users that found nothing. Cancel-safe.
    pub(crate) async fn work_available(&self, users: TakeFor) {
        let seen = self.seen.of(users);
        let last = seen.load(Ordering::Acquire);
        let generation = self.subscriber.next_work_generation(users, last).await;
        // The caller takes now, so the same hint must not wake it again.
        seen.store(generation, Ordering::Release);
    }

    /// Starts after the partition of the last take, so that partitions take turns as users do. What was taken before an
    /// error is returned.
    pub(crate) async fn take(&self, request: TakeRequest<'_>) -> Result<Vec<Lease>, AdapterError> {
        let generation = self.subscriber.work_generation(request.users);
        let mut leases = Vec::new();
        match self.take_in_rounds(request, &mut leases).await {
            Ok(()) if leases.len() < request.at_most => {
                let seen = self.seen.of(request.users);
                seen.store(generation, Ordering::Release);
            }
            Ok(()) => {}
            Err(error) if leases.is_empty() => return Err(error),
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "cannot take all executions");
            }
        }
        Ok(leases)
    }

    /// Asks all partitions. Each serves those first who run fewer executions; where there are several, a first round is only
    /// for users below their share.
    async fn take_in_rounds(
        &self,
        request: TakeRequest<'_>,
        leases: &mut Vec<Lease>,
    ) -> Result<(), AdapterError> {
        let count = usize::from(self.client.layout.count());
        let first = self.next_partition.load(Ordering::Relaxed) % count;
        let partitions = self.client.layout.partitions().cycle();
        let partitions = partitions.skip(first).take(count).collect();
        let below = match request.users {
            TakeFor::Everyone { .. } if count == 1 => None,
            TakeFor::Everyone { share } => Some(share),
            TakeFor::IdleUsers => Some(1),
        };
        let left = self.take_round(request, below, partitions, leases).await?;
        if request.users != TakeFor::IdleUsers {
            self.take_round(request, None, left, leases).await?;
        }
        Ok(())
    }

    /// Asks partitions until enough is taken, and returns those in which users wait who run too much for this round.
    async fn take_round(
        &self,
        request: TakeRequest<'_>,
        below: Option<u32>,
        partitions: Vec<Partition>,
        leases: &mut Vec<Lease>,
    ) -> Result<Vec<Partition>, AdapterError> {
        let mut left = Vec::new();
        for partition in partitions {
            if self.client.layout.count() > 1 && self.is_skipped(partition) {
                continue;
            }
            let before = leases.len();
            let taken = self.take_from(partition, request, below, leases).await;
            if taken.is_err() || leases.len() > before {
                // Also after an error, so that the other partitions do not wait for this one.
                let next = partition.index() + 1;
                self.next_partition.store(next, Ordering::Relaxed);
            }
            // A damaged record is no reason to skip the other records of its partition.
            if let Err(AdapterError::Command(_)) = &taken {
                let until = Instant::now() + SKIP_TIME;
                self.skipped_until.lock().insert(partition.index(), until);
            }
            let has_more = taken?;
            if leases.len() >= request.at_most {
                return Ok(Vec::new());
            }
            if has_more {
                left.push(partition);
            }
        }
        Ok(left)
    }

    fn is_skipped(&self, partition: Partition) -> bool {
        let skipped_until = self.skipped_until.lock();
        let until = skipped_until.get(&partition.index());
        until.is_some_and(|until| Instant::now() < *until)
    }

    /// Takes from one partition. Returns whether users wait there who run too much for this, or the last error after adding
    /// what can be run.
    async fn take_from(
        &self,
        partition: Partition,
        request: TakeRequest<'_>,
        below: Option<u32>,
        leases: &mut Vec<Lease>,
    ) -> Result<bool, AdapterError> {
        let at_most = request.at_most.saturating_sub(leases.len()).min(AT_MOST);
        let lanes: Vec<_> = request.languages.iter().map(lane).collect();
        let (worker, token) = (request.worker.as_str(), self.client.next_token());
        let takes_over = request.users != TakeFor::IdleUsers;
        let header = |is_repeated: bool| {
            encode_values(&(
                "take",
                (),
                (),
                worker,
                token,
                is_repeated,
                at_most,
                &lanes,
                takes_over,
                below,
            ))
        };
        // A repetition returns what the first attempt took before it takes anything else.
        let step = Step::of(header(false)?).with_repeated(header(true)?);
        let reply = self.client.reply_to(partition, Script::Hot, step).await?;
        let (mut all_taken, has_more) = read_taken(reply.into_list()?)?;
        self.read_large_records(&mut all_taken).await?;
        let mut result = Ok(has_more);
        for taken in all_taken {
            match taken.lease() {
                Ok(lease) => leases.push(lease),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// Reads the records that the script has left out.
    async fn read_large_records(&self, all_taken: &mut [Taken]) -> Result<(), AdapterError> {
        let is_large = |taken: &&mut Taken| taken.record.is_empty();
        let large: Vec<&mut Taken> = all_taken.iter_mut().filter(is_large).collect();
        if large.is_empty() {
            return Ok(());
        }
        let layout = &self.client.layout;
        let gets = large.iter().map(|taken| layout.record_key(taken.id));
        let gets: Vec<_> = gets.map(|key| command(&["GET", &key])).collect();
        let records = self.client.transport.read(&gets).await?;
        for (taken, record) in large.into_iter().zip(records) {
            taken.record = optional_bytes(record)?;
        }
        Ok(())
    }
}

/// Splits the answer to `take` into executions, and whether it says that users with more running executions wait.
fn read_taken(values: Vec<ByteBuf>) -> Result<(Vec<Taken>, bool), UnexpectedReply> {
    let (mut values, mut all_taken) = (values.into_iter(), Vec::new());
    while let Some(id) = values.next() {
        let Some(live) = values.next() else {
            return Ok((all_taken, true));
        };
        let id = str::from_utf8(&id).map_err(|_| UnexpectedReply)?;
        all_taken.push(Taken {
            id: id.parse().map_err(|_| UnexpectedReply)?,
            live,
            record: values.next().ok_or(UnexpectedReply)?,
        });
    }
    Ok((all_taken, false))
}

impl Taken {
    fn lease(&self) -> Result<Lease, AdapterError> {
        let restore = || {
            let progress = decode_live(&self.live)?;
            StoredRecord::decode(&self.record)?.into_execution(self.id, progress)
        };
        let execution = restore().map_err(|error| AdapterError::of_record(self.id, error))?;
        Ok(Lease::new(execution).map_err(|_| UnexpectedReply)?)
    }
}
