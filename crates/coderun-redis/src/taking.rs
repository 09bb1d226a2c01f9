//! Takes the next executions for a worker, from one partition after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use coderun_domain::{ErrorChain, ExecutionId, Language, Lease, WorkerId};
use parking_lot::Mutex;
use serde_bytes::ByteBuf;
use tokio::time::Instant;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::layout::{Partition, lane};
use crate::live_value::decode_live;
use crate::reply::{UnexpectedReply, optional_bytes};
use crate::step::{Script, Step};
use crate::stored_record::StoredRecord;
use crate::subscriber::Subscriber;

/// The most executions that one step takes, more than any worker has permits: scripts cannot name more in one command.
const AT_MOST: usize = 1000;
/// How long takes skip a partition whose server did not answer: each attempt costs the others the patience of a call.
const SKIP_TIME: Duration = Duration::from_secs(10);

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
    /// The work generation before the last take that found nothing.
    seen_generation: AtomicU64,
    skipped_until: Mutex<HashMap<usize, Instant>>,
}

impl Taker {
    pub(crate) fn new(client: Arc<Client>, subscriber: Arc<Subscriber>) -> Self {
        Self {
            client,
            subscriber,
            next_partition: AtomicUsize::default(),
            seen_generation: AtomicU64::default(),
            skipped_until: Mutex::default(),
        }
    }

    /// Waits for work that has come up since the last take that found nothing. Cancel-safe.
    pub(crate) async fn work_available(&self) {
        let last = self.seen_generation.load(Ordering::Acquire);
        let generation = self.subscriber.next_work_generation(last).await;
        // The caller takes now, so the same hint must not wake it again.
        self.seen_generation.store(generation, Ordering::Release);
    }

    /// Starts after the partition of the last take, so that partitions take turns as users do. What was taken before an
    /// error is returned.
    pub(crate) async fn take(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        at_most: usize,
    ) -> Result<Vec<Lease>, AdapterError> {
        let generation = self.subscriber.work_generation();
        let count = usize::from(self.client.layout.count());
        let first = self.next_partition.load(Ordering::Relaxed) % count;
        let partitions = self.client.layout.partitions().cycle();
        let mut leases = Vec::new();
        for partition in partitions.skip(first).take(count) {
            if count > 1 && self.is_skipped(partition) {
                continue;
            }
            let room = at_most.saturating_sub(leases.len());
            let taken = self.take_from(partition, worker, languages, room).await;
            if !matches!(&taken, Ok(taken) if taken.is_empty()) {
                // Also after an error, so that the other partitions do not wait for this one.
                let next = partition.index() + 1;
                self.next_partition.store(next, Ordering::Relaxed);
            }
            // A damaged record is no reason to skip the other records of its partition.
            if let Err(AdapterError::Command(_)) = &taken {
                let until = Instant::now() + SKIP_TIME;
                self.skipped_until.lock().insert(partition.index(), until);
            }
            match taken {
                Ok(taken) => leases.extend(taken),
                Err(error) => return what_was_taken(leases, error),
            }
            if leases.len() >= at_most {
                return Ok(leases);
            }
        }
        self.seen_generation.store(generation, Ordering::Release);
        Ok(leases)
    }

    fn is_skipped(&self, partition: Partition) -> bool {
        let skipped_until = self.skipped_until.lock();
        let until = skipped_until.get(&partition.index());
        until.is_some_and(|until| Instant::now() < *until)
    }

    async fn take_from(
        &self,
        partition: Partition,
        worker: &WorkerId,
        languages: &[Language],
        at_most: usize,
    ) -> Result<Vec<Lease>, AdapterError> {
        let at_most = at_most.min(AT_MOST);
        let token = self.client.next_token();
        let lanes: Vec<String> = languages.iter().map(lane).collect();
        let header = |is_repeated: bool| {
            let worker = worker.as_str();
            ("take", (), (), worker, token, is_repeated, at_most, &lanes)
        };
        // A repetition returns what the first attempt took before it takes anything else.
        let step = Step::new(&header(false))?.with_repeated_header(&header(true))?;
        let values = self
            .client
            .run_list_in(partition, Script::Hot, step)
            .await?;
        let mut all_taken = read_taken(values)?;
        self.read_large_records(&mut all_taken).await?;
        let mut leases = Vec::new();
        let mut failed = None;
        for taken in all_taken {
            match taken.lease() {
                Ok(lease) => leases.push(lease),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => what_was_taken(leases, error),
            None => Ok(leases),
        }
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

/// Splits the answer to `take` into executions.
fn read_taken(values: Vec<ByteBuf>) -> Result<Vec<Taken>, UnexpectedReply> {
    let (mut values, mut all_taken) = (values.into_iter(), Vec::new());
    while let Some(id) = values.next() {
        let id = str::from_utf8(&id).map_err(|_| UnexpectedReply)?;
        all_taken.push(Taken {
            id: id.parse().map_err(|_| UnexpectedReply)?,
            live: values.next().ok_or(UnexpectedReply)?,
            record: values.next().ok_or(UnexpectedReply)?,
        });
    }
    Ok(all_taken)
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

/// What was taken before an error, or the error if that is nothing.
fn what_was_taken(leases: Vec<Lease>, error: AdapterError) -> Result<Vec<Lease>, AdapterError> {
    if leases.is_empty() {
        return Err(error);
    }
    tracing::warn!(error = %ErrorChain(&error), "cannot take all executions");
    Ok(leases)
}
