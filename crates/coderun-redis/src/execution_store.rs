//! Implements [`ExecutionStore`].

use std::sync::Arc;

use async_trait::async_trait;
use coderun_domain::{
    CancelReply, Execution, ExecutionId, ExecutionStore, Health, Page, StoreError, SubmitReply,
    Submitted, Summary, UserId, UserUsage, WorkerId,
};
use serde::Deserialize;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::feed::Feed;
use crate::health::store_health;
use crate::listing::list;
use crate::record_reader::RecordReader;
use crate::step::{DoneReply, Script, Step};
use crate::submitting::Submitter;

/// The store of a backend.
#[derive(Debug)]
pub(crate) struct RedisExecutionStore {
    pub(crate) client: Arc<Client>,
    pub(crate) records: RecordReader,
    pub(crate) submitter: Submitter,
    pub(crate) feed: Arc<Feed>,
}

/// The reply to `cancel`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CancelAnswer {
    Absent,
    Ended,
    Requested,
    Final,
}

/// The reply to `position`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PositionAnswer {
    Absent,
    NotWaiting,
    Position(u64),
}

#[async_trait]
impl ExecutionStore for RedisExecutionStore {
    async fn submit(
        &self,
        execution: &Execution,
        offer: Option<WorkerId>,
    ) -> Result<SubmitReply, StoreError> {
        let submitting = self.submitter.submit(execution, offer, &self.records);
        let reply: Result<SubmitReply, StoreError> = self.client.timed("submit", submitting).await;
        match reply.as_ref().map(|reply| &reply.submitted) {
            Ok(Submitted::Leased(lease)) => self.feed.begin(lease),
            // What is known may be about an earlier execution with the same id.
            Ok(Submitted::Accepted) => self.feed.changed(execution.id()),
            Ok(Submitted::AlreadyExists(_)) | Err(_) => {}
        }
        reply
    }

    async fn usage(&self, user: &UserId) -> Result<UserUsage, StoreError> {
        let reading = self.submitter.usage(user);
        self.client.timed("usage", reading).await
    }

    async fn get(&self, id: ExecutionId) -> Result<Option<Execution>, StoreError> {
        self.client.timed("get", self.records.read(id)).await
    }

    async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        let listing = list(&self.client, user, page);
        self.client.timed("list", listing).await
    }

    async fn request_cancel(&self, id: ExecutionId) -> Result<CancelReply, StoreError> {
        let cancelling = async {
            let step = Step::new(&("cancel", id.to_string()))?.replicated();
            let reply: fn(_) -> _ = match self.client.run(id, Script::Rare, step).await? {
                CancelAnswer::Absent => return Ok(CancelReply::Absent),
                CancelAnswer::Ended => CancelReply::Ended,
                CancelAnswer::Requested => CancelReply::Requested,
                CancelAnswer::Final => CancelReply::AlreadyFinal,
            };
            // The script does not answer the execution, which may be large.
            let execution = self.records.read(id).await?;
            Ok::<_, AdapterError>(execution.map_or(CancelReply::Absent, |it| reply(Box::new(it))))
        };
        self.client.timed("request_cancel", cancelling).await
    }

    async fn delete(&self, id: ExecutionId) -> Result<bool, StoreError> {
        let deleting = async {
            let step = Step::new(&("delete", id.to_string()))?.replicated();
            let reply: DoneReply = self.client.run(id, Script::Rare, step).await?;
            Ok::<_, AdapterError>(reply == DoneReply::Done)
        };
        self.client.timed("delete", deleting).await
    }

    /// On a Cluster this is the position among the executions of the same partition.
    async fn queue_position(&self, id: ExecutionId) -> Result<Option<u64>, StoreError> {
        let reading = async {
            let step = Step::new(&("position", id.to_string()))?;
            match self.client.run(id, Script::Rare, step).await? {
                PositionAnswer::Absent | PositionAnswer::NotWaiting => Ok(None),
                PositionAnswer::Position(position) => Ok::<_, AdapterError>(Some(position)),
            }
        };
        self.client.timed("queue_position", reading).await
    }

    async fn check(&self) -> Result<Health, StoreError> {
        let checking = store_health(&self.client);
        self.client.timed("check_store", checking).await
    }
}
