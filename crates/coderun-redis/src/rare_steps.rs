//! Runs the steps of the script `rare`.

use coderun_domain::ExecutionId;
use serde::de::DeserializeOwned;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::step::{Script, Step, StepReply};

impl RedisBackend {
    /// Runs a step in a partition.
    pub(crate) async fn run_rare_in(
        &self,
        partition: Partition,
        step: Step,
    ) -> Result<StepReply, AdapterError> {
        self.run_step(partition, Script::Rare, &step).await
    }

    /// Runs a step on one execution, and decodes its reply.
    pub(crate) async fn run_rare<T: DeserializeOwned>(
        &self,
        id: ExecutionId,
        step: Step,
    ) -> Result<T, AdapterError> {
        let partition = self.shared.layout.of_execution(id);
        self.run_rare_in(partition, step).await?.decode_for(id)
    }
}
