//! The [`ExecutionStore`] side of the backend.

use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, ForcedEnd, Health, Page, Quota,
    StoreError, StorePolicy, Submitted, Summary, UserId,
};
use coderun_record::{duration_micros, encode_submission, micros};
use deadpool_redis::redis::Cmd;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::backend::{partition_of, read_execution};
use crate::layout::owner;
use crate::record::{decode_summary, has_expired, read_fields};
use crate::reply::{Reply, UnexpectedReply, array};
use crate::script::Arguments;

#[async_trait]
impl ExecutionStore for RedisBackend {
    async fn submit(&self, execution: &Execution) -> Result<Submitted, StoreError> {
        self.timed("submit", async {
            let mut reply = self.submit_step(execution).await?;
            match reply.word() {
                "accepted" => Ok(Submitted::Accepted),
                "there" => {
                    let there = Self::read_whole(execution.id(), &mut reply)?;
                    Ok(Submitted::AlreadyExists(Box::new(there)))
                }
                "full" => Err(StoreError::Full {
                    retry_after: StorePolicy::FULL_RETRY_AFTER,
                }),
                "quota" => Err(quota_exceeded(&mut reply).unwrap_or_else(unexpected)),
                _ => Err(unexpected(UnexpectedReply)),
            }
        })
        .await
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.timed("get", async { Ok(self.read(id).await?) }).await
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.timed("list", async { Ok(self.list_step(user, page).await?) })
            .await
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        self.timed("request_cancel", async {
            let why = ForcedEnd::Cancelled;
            let arguments = Arguments::default()
                .text(id.to_string())
                .text(why.ending().verdict().as_str())
                .text(why.as_str());
            let script = &self.scripts().cancel;
            let mut reply = self.step_on(id, script, arguments).await?;
            if reply.word() == "absent" {
                return Ok(CancelReply::Absent);
            }
            let execution = Box::new(Self::read_whole(id, &mut reply)?);
            match reply.word() {
                "ended" => Ok(CancelReply::Ended(execution)),
                "requested" => Ok(CancelReply::Requested(execution)),
                "final" => Ok(CancelReply::AlreadyFinal(execution)),
                _ => Err(unexpected(UnexpectedReply)),
            }
        })
        .await
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        self.timed("delete", async {
            let arguments = Arguments::default().text(id.to_string());
            let script = &self.scripts().delete;
            let reply = self.step_on(id, script, arguments).await?;
            Ok(reply.word() == "deleted")
        })
        .await
    }

    /// On a Cluster among those that wait in the same partition.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        self.timed("queue_position", async { Ok(self.position(id).await?) })
            .await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        self.timed("check_store", async { Ok(self.store_health().await?) })
            .await
    }
}

impl RedisBackend {
    async fn submit_step(&self, execution: &Execution) -> Result<Reply, AdapterError> {
        let (id, submission) = (execution.id(), execution.submission());
        let partition = partition_of(self.layout(), execution)?;
        let elsewhere = self.totals_elsewhere(partition).await;
        let policy = self.policy();
        let fields = encode_submission(submission).map_err(AdapterError::Unwritable)?;
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
            .number(elsewhere.pending)
            .number(elsewhere.bytes)
            .fields(fields);
        self.step_for_good(id, &self.scripts().submit, arguments)
            .await
    }

    async fn read(&self, id: ExecutionId) -> Result<Option<Execution>, AdapterError> {
        let mut command = Cmd::new();
        command.arg("HGETALL").arg(self.layout().record_key(id));
        let fields = read_fields(self.ask(&command).await?)?;
        if has_expired(&fields, self.now()) {
            return Ok(None);
        }
        read_execution(id, fields)
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
        let partition = self.layout().of_user(user);
        let script = &self.scripts().list;
        let rows = array(self.step(partition, script, arguments).await?)?;
        rows.into_iter().map(decode_summary).collect()
    }

    /// Reads the record that a step has answered.
    fn read_whole(id: ExecutionId, reply: &mut Reply) -> Result<Execution, AdapterError> {
        let execution = read_execution(id, read_fields(reply.value()?)?)?;
        Ok(execution.ok_or(UnexpectedReply)?)
    }
}

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

fn unexpected(surprise: UnexpectedReply) -> StoreError {
    AdapterError::from(surprise).into()
}
