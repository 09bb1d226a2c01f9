//! Accepts executions: as waiting ones, or under a lease of the worker that offers to run them at once.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    Execution, Lease, Quota, QuotaUsage, StoreError, StorePolicy, SubmitReply, Submitted, UserId,
    UserUsage, WorkerId,
};
use coderun_record::{duration_micros, from_micros, micros};
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::layout::{Partition, lane, owner};
use crate::partition_totals::PartitionTotals;
use crate::record_reader::RecordReader;
use crate::reply::UnexpectedReply;
use crate::step::{Script, Step};
use crate::stored_record::{encode_live, is_large};

/// How often a submission is repeated because the record that was there has gone meanwhile.
const ATTEMPTS_MAX: usize = 3;

/// The reply to `submit`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SubmitAnswer {
    Accepted(UsageAnswer),
    /// The start, in microseconds, and what is in a [`UsageAnswer`].
    Leased(i64, u32, u32, u64),
    Exists(UsageAnswer),
    Full,
    /// The number of waiting executions that the user may have.
    Pending(u32),
    /// The number of waiting executions of a user who holds their share.
    Share(u32),
    /// The number that the user may submit in a minute, and the microseconds until the next.
    SubmitsPerMinute(u32, u64),
}

/// The pending executions of a user, their submissions of the last minute, and the microseconds until the oldest of these
/// counts no more.
#[derive(Debug, Deserialize)]
struct UsageAnswer(u32, u32, u64);

/// The reply to `usage`: running executions and live bytes of the user, pending executions and live bytes of others, and the rest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UsageReply {
    Usage(u32, u64, u64, u64, UsageAnswer),
}

impl From<UsageAnswer> for QuotaUsage {
    fn from(UsageAnswer(pending, submits, reset): UsageAnswer) -> Self {
        Self {
            submits,
            submits_reset: Duration::from_micros(reset),
            pending,
        }
    }
}

/// Accepts executions, within the bounds of the policy.
#[derive(Debug)]
pub(crate) struct Submitter {
    client: Arc<Client>,
    totals: PartitionTotals,
}

impl Submitter {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        let totals = PartitionTotals::new(Arc::clone(&client));
        Self { client, totals }
    }

    /// Submits an execution. `offer` is a worker that would run it at once.
    pub(crate) async fn submit(
        &self,
        execution: &Execution,
        offer: Option<WorkerId>,
        records: &RecordReader,
    ) -> Result<SubmitReply, StoreError> {
        let (id, later) = (execution.id(), StorePolicy::FULL_RETRY_AFTER);
        for _ in 0..ATTEMPTS_MAX {
            let (submitted, usage) = match self.submit_step(execution, offer.as_ref()).await? {
                SubmitAnswer::Accepted(usage) => (Submitted::Accepted, usage),
                SubmitAnswer::Leased(started, pending, submits, reset) => {
                    let lease = Box::new(lease(execution, offer, started)?);
                    let usage = UsageAnswer(pending, submits, reset);
                    (Submitted::Leased(lease), usage)
                }
                SubmitAnswer::Exists(usage) => match records.read(id).await? {
                    Some(existing) => (Submitted::AlreadyExists(Box::new(existing)), usage),
                    // It was deleted between the two calls.
                    None => continue,
                },
                SubmitAnswer::Full => return Err(StoreError::Full { retry_after: later }),
                SubmitAnswer::Pending(limit) => {
                    return Err(exceeded(Quota::Pending, limit, later));
                }
                SubmitAnswer::Share(limit) => return Err(exceeded(Quota::Share, limit, later)),
                SubmitAnswer::SubmitsPerMinute(limit, wait) => {
                    let wait = Duration::from_micros(wait);
                    return Err(exceeded(Quota::SubmitsPerMinute, limit, wait));
                }
            };
            let usage = usage.into();
            return Ok(SubmitReply { submitted, usage });
        }
        Err(AdapterError::from(UnexpectedReply).into())
    }

    /// What a user holds, and what others do in all partitions.
    pub(crate) async fn usage(&self, user: &UserId) -> Result<UserUsage, AdapterError> {
        let partition = self.client.layout.of_user(user);
        let elsewhere = self.totals.of_others(partition).await;
        let step = Step::new(&("usage", (), owner(user)))?;
        let UsageReply::Usage(running, live_bytes, others_pending, others_bytes, quotas) =
            self.client.run_in(partition, Script::Rare, step).await?;
        Ok(UserUsage {
            quotas: quotas.into(),
            running,
            live_bytes,
            others_pending: others_pending.saturating_add(elsewhere.pending),
            others_live_bytes: others_bytes.saturating_add(elsewhere.bytes),
        })
    }

    async fn submit_step(
        &self,
        execution: &Execution,
        offer: Option<&WorkerId>,
    ) -> Result<SubmitAnswer, AdapterError> {
        let (id, submission) = (execution.id(), execution.submission());
        let partition = self.partition_for(execution)?;
        let elsewhere = self.totals.of_others(partition).await;
        let record = encode_live(execution).map_err(AdapterError::Encode)?;
        let nonce = is_large(submission).then(|| self.client.nonce());
        let created = micros(execution.progress().created_at());
        let budget = duration_micros(submission.limits().total_wall_time());
        let entry = format!("{created} {id}");
        let step = Step::new(&(
            "submit",
            id.to_string(),
            owner(submission.user()),
            lane(submission.language()),
            StorePolicy::live_size(submission).as_bytes(),
            budget,
            created,
            submission.is_interactive(),
            entry,
            nonce.as_deref(),
            elsewhere.pending,
            elsewhere.bytes,
            offer.map(WorkerId::as_str),
            offer.map(|_| self.client.next_token()),
        ))?;
        let step = self.client.with_blob(step, partition, nonce, record);
        self.client.run(id, Script::Hot, step.replicated()).await
    }

    /// The partition of a new execution, if its id was made for its user.
    fn partition_for(&self, execution: &Execution) -> Result<Partition, AdapterError> {
        let layout = &self.client.layout;
        let partition = layout.of_execution(execution.id());
        if partition == layout.of_user(execution.submission().user()) {
            Ok(partition)
        } else {
            Err(AdapterError::ForeignId)
        }
    }
}

const fn exceeded(quota: Quota, limit: u32, retry_after: Duration) -> StoreError {
    StoreError::QuotaExceeded {
        quota,
        limit,
        retry_after,
    }
}

/// The lease of the worker that has offered to run this execution, since its submission.
fn lease(
    execution: &Execution,
    offer: Option<WorkerId>,
    started: i64,
) -> Result<Lease, AdapterError> {
    let damaged = |error| AdapterError::of_record(execution.id(), error);
    let started_at = from_micros("started", started).map_err(damaged)?;
    let worker = offer.ok_or(UnexpectedReply)?;
    let running = execution.clone().start(worker, started_at);
    let running = running.map_err(|_| UnexpectedReply)?;
    Ok(Lease::new(running).map_err(|_| UnexpectedReply)?)
}
