//! How much waits and runs, and who stands where.

use coderun_domain::{ExecutionId, QueueDepth};
use futures_util::future::try_join_all;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::reply::{UnexpectedReply, array, number};
use crate::script::Arguments;

impl RedisBackend {
    /// What waits and runs in all partitions. Each is counted by itself: what is submitted meanwhile may be missing.
    pub(crate) async fn depth_everywhere(&self) -> Result<QueueDepth, AdapterError> {
        let counts = self.layout().partitions().map(|each| self.depth_in(each));
        let counts = try_join_all(counts).await?;
        let sum = |all: QueueDepth, each: QueueDepth| QueueDepth {
            pending: all.pending.saturating_add(each.pending),
            running: all.running.saturating_add(each.running),
        };
        Ok(counts.into_iter().fold(QueueDepth::default(), sum))
    }

    async fn depth_in(&self, partition: Partition) -> Result<QueueDepth, AdapterError> {
        let script = &self.scripts().depth;
        let counts = self.step(partition, script, Arguments::default()).await?;
        let [pending, running] = array(counts)?.try_into().map_err(|_| UnexpectedReply)?;
        Ok(QueueDepth {
            pending: number(&pending)?,
            running: number(&running)?,
        })
    }

    /// The place of an execution in its partition, if it waits there.
    pub(crate) async fn position(&self, id: ExecutionId) -> Result<Option<u64>, AdapterError> {
        let arguments = Arguments::default().text(id.to_string());
        let script = &self.scripts().position;
        let mut reply = self.step_on(id, script, arguments).await?;
        match reply.word() {
            "absent" | "elsewhere" => Ok(None),
            "position" => Ok(Some(reply.number()?)),
            _ => Err(UnexpectedReply.into()),
        }
    }
}
