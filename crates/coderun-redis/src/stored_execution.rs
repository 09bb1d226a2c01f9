//! Puts an execution together from what the server has of it: a live value, a record, and an outcome beside the record.

use coderun_domain::{Execution, ExecutionId};
use coderun_record::RecordError;
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::adapter_error::AdapterError;
use crate::live_value::LiveValue;
use crate::stored_record::StoredRecord;

/// The stored values of one execution; empty where there is none.
#[derive(Debug, Default)]
pub(crate) struct StoredExecution {
    pub(crate) live: ByteBuf,
    pub(crate) record: ByteBuf,
    pub(crate) outcome: ByteBuf,
}

impl StoredExecution {
    /// Whether the record has its live form, and there is no live value.
    pub(crate) fn lacks_progress(&self, id: ExecutionId) -> Result<bool, AdapterError> {
        if self.record.is_empty() || !self.live.is_empty() {
            return Ok(false);
        }
        let record = StoredRecord::decode(&self.record);
        let record = record.map_err(|error| AdapterError::of_record(id, error))?;
        Ok(record.header.end.is_none())
    }

    /// Decodes the execution; `None` if it does not exist or has expired.
    pub(crate) fn decode(
        &self,
        id: ExecutionId,
        now: OffsetDateTime,
    ) -> Result<Option<Execution>, AdapterError> {
        self.try_decode(id, now)
            .map_err(|error| AdapterError::of_record(id, error))
    }

    fn try_decode(
        &self,
        id: ExecutionId,
        now: OffsetDateTime,
    ) -> Result<Option<Execution>, RecordError> {
        if self.record.is_empty() {
            return Ok(None);
        }
        let mut record = StoredRecord::decode(&self.record)?;
        if record.has_expired(now) {
            return Ok(None);
        }
        if let Some(progress) = record.take_final_progress()? {
            return record.into_execution(id, progress).map(Some);
        }
        if !self.live.is_empty() {
            let progress = LiveValue::decode(&self.live)?.progress()?;
            return record.into_execution(id, progress).map(Some);
        }
        if self.outcome.is_empty() {
            return Ok(None);
        }
        let mut outcome = StoredRecord::decode(&self.outcome)?;
        if outcome.has_expired(now) {
            return Ok(None);
        }
        match outcome.take_final_progress()? {
            Some(progress) => record.into_execution(id, progress).map(Some),
            None => Ok(None),
        }
    }
}
