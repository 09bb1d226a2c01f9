//! Reads queue positions and the depth of the queue.

use coderun_domain::{ExecutionId, QueueDepth};
use futures_util::future::try_join_all;
use serde::Deserialize;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::step::Step;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PositionAnswer {
    Absent,
    NotWaiting,
    Position(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DepthAnswer {
    Depth(u64, u64),
}

impl RedisBackend {
    pub(crate) async fn position_step(&self, id: ExecutionId) -> Result<Option<u64>, AdapterError> {
        let step = Step::new(&("position", id.to_string()))?;
        match self.run_rare(id, step).await? {
            PositionAnswer::Absent | PositionAnswer::NotWaiting => Ok(None),
            PositionAnswer::Position(position) => Ok(Some(position)),
        }
    }

    /// Adds up the depths of all partitions. Each is counted at its own time, so recent changes may be missing.
    pub(crate) async fn depth_of_partitions(&self) -> Result<QueueDepth, AdapterError> {
        let partitions = self.shared.layout.partitions();
        let depths = try_join_all(partitions.map(|each| self.depth_of(each))).await?;
        let add = |sum: QueueDepth, each: QueueDepth| QueueDepth {
            pending: sum.pending.saturating_add(each.pending),
            running: sum.running.saturating_add(each.running),
        };
        Ok(depths.into_iter().fold(QueueDepth::default(), add))
    }

    async fn depth_of(&self, partition: Partition) -> Result<QueueDepth, AdapterError> {
        let step = Step::new(&("depth",))?;
        let reply = self.run_rare_in(partition, step).await?;
        let DepthAnswer::Depth(pending, running) = reply.decode()?;
        Ok(QueueDepth { pending, running })
    }
}
