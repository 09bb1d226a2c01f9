//! Takes the next executions for a worker, from one partition after the other.

use std::sync::atomic::Ordering;

use coderun_domain::{ErrorChain, ExecutionId, Language, Lease, WorkerId};
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::lane::lane;
use crate::layout::Partition;
use crate::live_value::LiveValue;
use crate::reply::{UnexpectedReply, optional_bytes};
use crate::step::{Script, Step};
use crate::stored_record::StoredRecord;

/// The most executions that one step takes, more than any worker has permits: scripts cannot name more in one command.
const AT_MOST: usize = 1000;

/// A taken execution: its id, its live value, and its record unless that is large.
#[derive(Debug, Deserialize)]
struct Taken(String, ByteBuf, ByteBuf);

impl RedisBackend {
    /// Starts after the partition of the last take, so that partitions take turns as users do. What was taken before an
    /// error is returned.
    pub(crate) async fn take_from_partitions(
        &self,
        worker: &WorkerId,
        languages: &[Language],
        at_most: usize,
    ) -> Result<Vec<Lease>, AdapterError> {
        let state = &self.shared.take_state;
        let generation = self.shared.subscriber.work_generation();
        let count = usize::from(self.shared.layout.count());
        let partitions = self.shared.layout.partitions().cycle();
        let in_turn = partitions.skip(state.next_partition() % count).take(count);
        let mut leases = Vec::new();
        for partition in in_turn {
            if count > 1 && state.is_skipped(partition) {
                continue;
            }
            let room = at_most.saturating_sub(leases.len());
            let taken = self.take_from(partition, worker, languages, room).await;
            if !matches!(&taken, Ok(taken) if taken.is_empty()) {
                // Also after an error, so that the other partitions do not wait for this one.
                state.start_after(partition);
            }
            // A damaged record is no reason to skip the other records of its partition.
            if let Err(AdapterError::Command(_)) = &taken {
                state.skip(partition);
            }
            match taken {
                Ok(taken) => leases.extend(taken),
                Err(error) => return what_was_taken(leases, error),
            }
            if leases.len() >= at_most {
                return Ok(leases);
            }
        }
        state.seen_generation.store(generation, Ordering::Release);
        Ok(leases)
    }

    async fn take_from(
        &self,
        partition: Partition,
        worker: &WorkerId,
        languages: &[Language],
        at_most: usize,
    ) -> Result<Vec<Lease>, AdapterError> {
        let at_most = at_most.min(AT_MOST);
        let token = self.shared.tokens.next();
        let lanes: Vec<String> = languages.iter().map(lane).collect();
        let header = |is_repeated: bool| {
            let none: Option<&str> = None;
            (
                "take",
                none,
                none,
                worker.as_str(),
                token,
                is_repeated,
                at_most,
                &lanes,
            )
        };
        // A repetition returns what the first attempt took before it takes anything else.
        let step = Step::new(&header(false))?.with_repeated_header(&header(true))?;
        let reply = self.run_step(partition, Script::Hot, &step).await?;
        let mut leases = Vec::new();
        let mut failed = None;
        for taken in reply.decode::<Vec<Taken>>()? {
            match self.read_lease(taken).await {
                Ok(lease) => leases.push(lease),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) => what_was_taken(leases, error),
            None => Ok(leases),
        }
    }

    async fn read_lease(&self, taken: Taken) -> Result<Lease, AdapterError> {
        let Taken(id, live, record) = taken;
        let id: ExecutionId = id.parse().map_err(|_| UnexpectedReply)?;
        let record = if record.is_empty() {
            let command = command(&["GET", &self.shared.layout.record_key(id)]);
            let [record] = self.read([command]).await?;
            optional_bytes(record)?
        } else {
            record
        };
        let lease = || {
            let progress = LiveValue::decode(&live)?.progress()?;
            StoredRecord::decode(&record)?.into_execution(id, progress)
        };
        let execution = lease().map_err(|error| AdapterError::of_record(id, error))?;
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
