//! Reads whole executions: what is live of them, and their records.

use coderun_domain::{Execution, ExecutionId};
use serde_bytes::ByteBuf;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::reply::optional_bytes;
use crate::stored_execution::StoredExecution;

impl RedisBackend {
    /// Reads an execution; `None` if there is none, or a final one that has expired.
    ///
    /// A record may change between two commands. The live value is read before the record: one that is final came later. An
    /// outcome beside the record is read only if there is no live value, and everything again if that is missing, too: then
    /// the execution was submitted or deleted meanwhile.
    pub(crate) async fn read_execution(
        &self,
        id: ExecutionId,
    ) -> Result<Option<Execution>, AdapterError> {
        let mut stored = self.read_record(id).await?;
        if stored.lacks_progress(id)? {
            stored.outcome = self.read_outcome(id).await?;
            if stored.outcome.is_empty() {
                stored = self.read_record(id).await?;
            }
        }
        stored.decode(id, self.now())
    }

    async fn read_record(&self, id: ExecutionId) -> Result<StoredExecution, AdapterError> {
        let layout = &self.shared.layout;
        let live_key = layout.live_key(layout.of_execution(id));
        let read_live = command(&["HGET", &live_key, &id.to_string()]);
        let read_record = command(&["GET", &layout.record_key(id)]);
        let [live, record] = self.read([read_live, read_record]).await?;
        Ok(StoredExecution {
            live: optional_bytes(live)?,
            record: optional_bytes(record)?,
            outcome: ByteBuf::new(),
        })
    }

    async fn read_outcome(&self, id: ExecutionId) -> Result<ByteBuf, AdapterError> {
        let key = self.shared.layout.outcome_key(id);
        let [outcome] = self.read([command(&["GET", &key])]).await?;
        self.complete_outcome(id, optional_bytes(outcome)?).await
    }
}
