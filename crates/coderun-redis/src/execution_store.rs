//! Implements [`ExecutionStore`].

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, ForcedEnd, Health, Page, Quota,
    StoreError, StorePolicy, Submitted, Summary, UserId, WorkerId,
};
use coderun_record::{duration_micros, encode_submission, micros};
use deadpool_redis::redis::Value;
use futures_util::future::join_all;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::backend::{partition_of, read_execution};
use crate::command::command;
use crate::layout::{Partition, owner};
use crate::partition_totals::PartitionTotals;
use crate::record::{decode_summary, has_expired, read_fields};
use crate::reply::{Reply, UnexpectedReply, array, text};
use crate::script::Arguments;

#[async_trait]
impl ExecutionStore for RedisBackend {
    /// Declines every offer.
    async fn submit(
        &self,
        execution: &Execution,
        _offer: Option<WorkerId>,
    ) -> Result<Submitted, StoreError> {
        self.timed("submit", self.submit_checked(execution)).await
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.timed("get", self.read_record(id)).await
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.timed("list", self.list_step(user, page)).await
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        self.timed("request_cancel", self.cancel_step(id)).await
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        self.timed("delete", self.delete_step(id)).await
    }

    /// On a Cluster this is the position among the executions of the same partition.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        self.timed("queue_position", self.position_step(id)).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.timed("check_store", self.store_health()).await
    }
}

impl RedisBackend {
    async fn submit_checked(&self, execution: &Execution) -> Result<Submitted, StoreError> {
        let mut reply = self.submit_step(execution).await?;
        match reply.word() {
            "accepted" => Ok(Submitted::Accepted),
            "exists" => {
                let existing = Self::read_whole(execution.id(), &mut reply)?;
                Ok(Submitted::AlreadyExists(Box::new(existing)))
            }
            "full" => Err(StoreError::Full {
                retry_after: StorePolicy::FULL_RETRY_AFTER,
            }),
            "quota" => Err(quota_exceeded(&mut reply)?),
            _ => Err(UnexpectedReply.into()),
        }
    }

    async fn cancel_step(&self, id: ExecutionId) -> Result<CancelReply, AdapterError> {
        let why = ForcedEnd::Cancelled;
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(why.ending().verdict().as_str())
            .text(why.as_str());
        let script = &self.shared.scripts.cancel;
        let mut reply = self.run_step_on(id, script, arguments).await?;
        if reply.word() == "absent" {
            return Ok(CancelReply::Absent);
        }
        let execution = Box::new(Self::read_whole(id, &mut reply)?);
        match reply.word() {
            "ended" => Ok(CancelReply::Ended(execution)),
            "requested" => Ok(CancelReply::Requested(execution)),
            "final" => Ok(CancelReply::AlreadyFinal(execution)),
            _ => Err(UnexpectedReply.into()),
        }
    }

    async fn delete_step(&self, id: ExecutionId) -> Result<bool, AdapterError> {
        let arguments = Arguments::default().text(id.to_string());
        let script = &self.shared.scripts.delete;
        let reply = self.run_step_on(id, script, arguments).await?;
        Ok(reply.word() == "deleted")
    }

    async fn submit_step(&self, execution: &Execution) -> Result<Reply, AdapterError> {
        let (id, submission) = (execution.id(), execution.submission());
        let partition = partition_of(&self.shared.layout, execution)?;
        let others = self.totals_of_others(partition).await;
        let policy = &self.shared.policy;
        let fields = encode_submission(submission).map_err(AdapterError::Encode)?;
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(owner(submission.user()))
            .text(submission.language().as_str())
            .number(StorePolicy::live_size(submission).as_bytes())
            .number(duration_micros(submission.limits().total_wall_time()))
            .number(micros(execution.progress().created_at()))
            .number(policy.pending_max)
            .number(policy.live_bytes_max.as_bytes())
            .number(policy.user_pending_max)
            .number(policy.user_live_bytes_max().as_bytes())
            .number(policy.user_submits_per_minute)
            .number(others.pending)
            .number(others.bytes)
            .fields(fields);
        self.run_replicated_step(id, &self.shared.scripts.submit, arguments)
            .await
    }

    pub(crate) async fn read_record(
        &self,
        id: ExecutionId,
    ) -> Result<Option<Execution>, AdapterError> {
        let command = command(&["HGETALL", &self.shared.layout.record_key(id)]);
        let fields = read_fields(self.call(&command).await?)?;
        if has_expired(&fields, self.now()) {
            return Ok(None);
        }
        read_execution(id, fields)
    }

    /// The totals of all other partitions. They are those of the last read while another call reads them, and for
    /// partitions that do not answer.
    async fn totals_of_others(&self, here: Partition) -> PartitionTotals {
        if self.shared.layout.count() == 1 {
            return PartitionTotals::default();
        }
        let (last, is_fresh) = self.shared.totals_cache.last();
        if is_fresh {
            return PartitionTotals::sum_of_others(&last, here);
        }
        let partitions = self.shared.layout.partitions();
        let read = join_all(partitions.map(|each| self.read_totals(each))).await;
        let read = read.into_iter().enumerate();
        let totals: Vec<_> = read
            .map(|(index, read)| read.unwrap_or(last.get(index).copied().unwrap_or_default()))
            .collect();
        let sum = PartitionTotals::sum_of_others(&totals, here);
        self.shared.totals_cache.store(totals);
        sum
    }

    async fn read_totals(&self, partition: Partition) -> Result<PartitionTotals, AdapterError> {
        let key = format!("{}totals", self.shared.layout.base(partition));
        let found = self.call(&command(&["GET", &key])).await?;
        if found == Value::Nil {
            return Ok(PartitionTotals::default());
        }
        Ok(PartitionTotals::parse(&text(found)?)?)
    }

    async fn position_step(&self, id: ExecutionId) -> Result<Option<u64>, AdapterError> {
        let arguments = Arguments::default().text(id.to_string());
        let script = &self.shared.scripts.position;
        let mut reply = self.run_step_on(id, script, arguments).await?;
        match reply.word() {
            "absent" | "not_waiting" => Ok(None),
            "position" => Ok(Some(reply.number()?)),
            _ => Err(UnexpectedReply.into()),
        }
    }

    async fn list_step(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, AdapterError> {
        let (before, before_id) = match page.before {
            Some(cursor) => (micros(cursor.created_at).to_string(), cursor.id.to_string()),
            None => ("+inf".to_owned(), String::new()),
        };
        let arguments = Arguments::default()
            .text(owner(user))
            .number(u64::try_from(page.limit).unwrap_or(u64::MAX))
            .text(before)
            .text(before_id);
        let partition = self.shared.layout.of_user(user);
        let script = &self.shared.scripts.list;
        let rows = array(self.run_step(partition, script, arguments).await?)?;
        rows.into_iter().map(decode_summary).collect()
    }

    /// Decodes the record in the reply of a step.
    fn read_whole(id: ExecutionId, reply: &mut Reply) -> Result<Execution, AdapterError> {
        let execution = read_execution(id, read_fields(reply.value()?)?)?;
        Ok(execution.ok_or(UnexpectedReply)?)
    }
}

/// Decodes the reply that refuses a submission because of a quota.
fn quota_exceeded(reply: &mut Reply) -> Result<StoreError, UnexpectedReply> {
    let quota = match reply.text()?.as_str() {
        "submits" => Quota::SubmitsPerMinute,
        "pending" => Quota::Pending,
        _ => return Err(UnexpectedReply),
    };
    let limit = u32::try_from(reply.number()?).map_err(|_| UnexpectedReply)?;
    let retry_after = match quota {
        Quota::SubmitsPerMinute => Duration::from_micros(reply.number()?),
        Quota::Pending => StorePolicy::FULL_RETRY_AFTER,
    };
    Ok(StoreError::QuotaExceeded {
        quota,
        limit,
        retry_after,
    })
}
