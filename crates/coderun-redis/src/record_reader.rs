//! Reads whole executions: what is live of them, their records, and outcomes that are stored beside those.

use std::sync::Arc;

use coderun_domain::{Event, Execution, ExecutionId, OutputStream, Sequence};
use coderun_record::{RecordError, decode_event, pack_fields};
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::live_value::decode_live;
use crate::reply::{byte_strings, optional_bytes};
use crate::stored_record::{Header, StoredRecord};

/// How often an execution is read: it may be submitted or deleted between two commands.
const READS_MAX: usize = 2;

/// Reads the records of executions.
#[derive(Debug, Clone)]
pub(crate) struct RecordReader(pub(crate) Arc<Client>);

impl RecordReader {
    /// Reads an execution; `None` if there is none, or a final one that has expired.
    ///
    /// A record may change between two commands. The live value is read before the record: one that is final came later. An
    /// outcome beside the record is read only if there is no live value, and everything again if that is missing, too.
    pub(crate) async fn read(&self, id: ExecutionId) -> Result<Option<Execution>, AdapterError> {
        let damaged = |error| AdapterError::of_record(id, error);
        let layout = &self.0.layout;
        let live_key = layout.live_key(layout.of_execution(id));
        for _ in 0..READS_MAX {
            let read_live = command(&["HGET", &live_key, &id.to_string()]);
            let read_record = command(&["GET", &layout.record_key(id)]);
            let [live, record] = self.0.read([read_live, read_record]).await?;
            let (live, record) = (optional_bytes(live)?, optional_bytes(record)?);
            if record.is_empty() {
                return Ok(None);
            }
            let has_progress =
                !live.is_empty() || Header::decode(&record).map_err(damaged)?.end.is_some();
            let outcome = if has_progress {
                ByteBuf::new()
            } else {
                self.read_outcome(id).await?
            };
            if has_progress || !outcome.is_empty() {
                return decode(id, &live, &record, &outcome, self.0.now()).map_err(damaged);
            }
        }
        Ok(None)
    }

    async fn read_outcome(&self, id: ExecutionId) -> Result<ByteBuf, AdapterError> {
        let get = command(&["GET", &self.0.layout.outcome_key(id)]);
        let outcome = self.0.call(&get).await?;
        self.complete_outcome(id, optional_bytes(outcome)?).await
    }

    /// Adds the output of the last attempt to the outcome of a forced end, as far as its worker has told it: the script that
    /// ended it stored none, because that may be large. Others remain as they are.
    pub(crate) async fn complete_outcome(
        &self,
        id: ExecutionId,
        outcome: ByteBuf,
    ) -> Result<ByteBuf, AdapterError> {
        if outcome.is_empty() {
            return Ok(outcome);
        }
        let damaged = |error| AdapterError::of_record(id, error);
        let end = Header::decode(&outcome).map_err(damaged)?.end;
        let Some(end) = end.filter(|end| end.is_forced) else {
            return Ok(outcome);
        };
        let events = if end.is_streamed {
            let range = command(&["LRANGE", &self.0.layout.events_key(id), "0", "-1"]);
            byte_strings(self.0.call(&range).await?)?
        } else {
            Vec::new()
        };
        add_output(outcome, end.attempt, events).map_err(damaged)
    }
}

/// Decodes the stored values of an execution, of which those that do not exist are empty; `None` if it has expired.
fn decode(
    id: ExecutionId,
    live: &[u8],
    record: &[u8],
    outcome: &[u8],
    now: OffsetDateTime,
) -> Result<Option<Execution>, RecordError> {
    let mut record = StoredRecord::decode(record)?;
    let is_live = record.header.end.is_none();
    if is_live && !live.is_empty() {
        return record.into_execution(id, decode_live(live)?).map(Some);
    }
    let mut outcome = is_live.then(|| StoredRecord::decode(outcome)).transpose()?;
    let ended = outcome.as_mut().unwrap_or(&mut record);
    if ended.has_expired(now) {
        return Ok(None);
    }
    let progress = ended.take_final_progress()?;
    let execution = progress.map(|progress| record.into_execution(id, progress));
    execution.transpose()
}

/// Adds the output of an attempt in these events to an outcome.
fn add_output(
    outcome: ByteBuf,
    attempt: u32,
    events: Vec<ByteBuf>,
) -> Result<ByteBuf, RecordError> {
    let (mut output, mut error_output) = (Vec::new(), Vec::new());
    for event in events {
        if !matches!(event.first(), Some(b'o' | b'e')) {
            continue;
        }
        if let Event::Output(chunk) = decode_event(event.into_vec(), Sequence::START, None)?
            && chunk.attempt.count() == attempt
        {
            match chunk.stream {
                OutputStream::Stdout => output.extend_from_slice(&chunk.bytes),
                OutputStream::Stderr => error_output.extend_from_slice(&chunk.bytes),
            }
        }
    }
    let fields = [
        ("output", output.into()),
        ("error_output", error_output.into()),
    ];
    let mut outcome = outcome.into_vec();
    pack_fields(&mut outcome, &fields)?;
    Ok(ByteBuf::from(outcome))
}
