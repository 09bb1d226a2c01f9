//! Reads whole executions: what is live of them, their records, and outcomes that are stored beside those.

use std::sync::Arc;

use coderun_domain::{Event, Execution, ExecutionId, OutputStream, Sequence};
use coderun_record::{RecordError, decode_event, micros, pack_fields};
use deadpool_redis::redis::Cmd;
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::feed::Feed;
use crate::live_value::decode_live;
use crate::reply::{byte_strings, optional_bytes};
use crate::stored_record::{Header, StoredRecord};

/// How often an execution is read: it may be submitted or deleted between two commands.
const READS_MAX: usize = 2;

/// Reads the records of executions.
#[derive(Debug, Clone)]
pub(crate) struct RecordReader {
    pub(crate) client: Arc<Client>,
    feed: Arc<Feed>,
}

impl RecordReader {
    pub(crate) const fn new(client: Arc<Client>, feed: Arc<Feed>) -> Self {
        Self { client, feed }
    }

    /// Reads an execution; `None` if there is none, or a final one that has expired.
    ///
    /// Of an execution that this process runs, only the live value is read, since its submission is known.
    /// A final record is all that there is to read. So the live value is read together with the record only if this process
    /// follows the execution, and otherwise if the record turns out not to be final. An outcome beside the record is read only
    /// if there is no live value, and everything again if that is missing, too: a record may change between two commands.
    pub(crate) async fn read(&self, id: ExecutionId) -> Result<Option<Execution>, AdapterError> {
        let damaged = |error| AdapterError::of_record(id, error);
        if let Some(begun) = self.feed.begun(id)
            && let Some(running) = self.read_running(&begun).await?
        {
            return Ok(Some(running));
        }
        let mut is_live = self.feed.follows(id);
        for _ in 0..READS_MAX {
            let (mut live, record) = if is_live {
                self.read_live_and_record(id).await?
            } else {
                let record = self.client.read_value(&self.get_record(id)).await?;
                (ByteBuf::new(), record)
            };
            if record.is_empty() {
                return Ok(None);
            }
            let is_final = Header::decode(&record).map_err(damaged)?.end.is_some();
            if !is_final && !is_live {
                live = self.client.read_value(&self.get_live(id)).await?;
            }
            let mut outcome = ByteBuf::new();
            if !is_final && live.is_empty() {
                outcome = self.read_outcome(id).await?;
            }
            if is_final || !live.is_empty() || !outcome.is_empty() {
                return decode(id, &live, &record, &outcome, self.client.now()).map_err(damaged);
            }
            is_live = true;
        }
        Ok(None)
    }

    /// The execution with its progress now; `None` if it has ended or is another one with the same id.
    async fn read_running(&self, begun: &Execution) -> Result<Option<Execution>, AdapterError> {
        let id = begun.id();
        let live = self.client.read_value(&self.get_live(id)).await?;
        if live.is_empty() {
            return Ok(None);
        }
        let progress = decode_live(&live).map_err(|error| AdapterError::of_record(id, error))?;
        let created = begun.progress().created_at();
        let is_same = micros(progress.created_at()) == micros(created);
        Ok(is_same.then(|| Execution::restore(id, Arc::clone(begun.submission()), progress)))
    }

    /// Reads the live value before the record: one that is final came later.
    async fn read_live_and_record(
        &self,
        id: ExecutionId,
    ) -> Result<(ByteBuf, ByteBuf), AdapterError> {
        let [live, record] = self
            .client
            .read([self.get_live(id), self.get_record(id)])
            .await?;
        Ok((optional_bytes(live)?, optional_bytes(record)?))
    }

    fn get_live(&self, id: ExecutionId) -> Cmd {
        let layout = &self.client.layout;
        let live_key = layout.live_key(layout.of_execution(id));
        command(&["HGET", &live_key, &id.to_string()])
    }

    fn get_record(&self, id: ExecutionId) -> Cmd {
        command(&["GET", &self.client.layout.record_key(id)])
    }

    /// Reads the final record of an execution, or the outcome beside its record; `None` if there is neither.
    pub(crate) async fn read_ending(
        &self,
        id: ExecutionId,
    ) -> Result<Option<ByteBuf>, AdapterError> {
        let record = self.client.read_value(&self.get_record(id)).await?;
        if record.is_empty() {
            return Ok(None);
        }
        let header = Header::decode(&record);
        let header = header.map_err(|error| AdapterError::of_record(id, error))?;
        if header.end.is_some() {
            return Ok(Some(record));
        }
        let outcome = self.read_outcome(id).await?;
        Ok(Some(outcome).filter(|outcome| !outcome.is_empty()))
    }

    /// Reads the outcome beside a record; empty if there is none. That of a forced end gets the output of the last attempt, as
    /// far as its worker has told it: the script that ended it stored none, because that may be large.
    async fn read_outcome(&self, id: ExecutionId) -> Result<ByteBuf, AdapterError> {
        let layout = &self.client.layout;
        let get = command(&["GET", &layout.outcome_key(id)]);
        let outcome = self.client.read_value(&get).await?;
        if outcome.is_empty() {
            return Ok(outcome);
        }
        let damaged = |error| AdapterError::of_record(id, error);
        let end = Header::decode(&outcome).map_err(damaged)?.end;
        let Some(end) = end.filter(|end| end.is_forced) else {
            return Ok(outcome);
        };
        let mut events = Vec::new();
        if end.is_streamed {
            let range = command(&["LRANGE", &layout.events_key(id), "0", "-1"]);
            events = byte_strings(self.client.call(&range).await?)?;
        }
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
        let progress = decode_live(live)?;
        if micros(progress.created_at()) != record.header.created {
            // The execution was deleted, and its id is used again, since the record was read.
            return Ok(None);
        }
        return record.into_execution(id, progress).map(Some);
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
