//! Reads the stored events of an execution in pages.

use std::time::Duration;

use coderun_domain::{ExecutionId, Progress, Sequence, StoredEvent};
use coderun_record::{RecordError, duration_micros};
use deadpool_redis::redis::Cmd;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::record_reader::RecordReader;
use crate::reply::byte_strings;
use crate::step::{Script, Step};
use crate::stored_events::{all_events, number_events};
use crate::stored_record::StoredRecord;

/// The number of events in one read: at most 1 MiB, with pieces of output of 16 KiB.
const PAGE: u64 = 64;
/// Higher than any sequence number, and still exact in the floating-point numbers of Lua.
const SEQUENCE_MAX: u64 = 1 << 52;
/// How many intervals of reading a process is told what happens to an execution that it no longer watches.
const INTERVALS_WATCHED: u32 = 10;

/// Reads events, and makes other processes tell this one what follows.
#[derive(Debug)]
pub(crate) struct EventPages {
    pub(crate) records: RecordReader,
    /// The name by which the scripts know this process.
    pub(crate) process: String,
    /// The interval in which a watcher reads even without a message.
    pub(crate) interval: Duration,
}

/// Some events in their order, and the progress of the execution when they were read.
#[derive(Debug)]
pub(crate) struct EventPage {
    /// The creation of the execution, which distinguishes it from others with the same id.
    pub(crate) created: i64,
    pub(crate) events: Vec<StoredEvent>,
    /// The number of the last stored event.
    pub(crate) sequence: Sequence,
    pub(crate) has_ended: bool,
}

/// The reply to `watch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WatchReply {
    Absent,
    /// Creation, number of the last event, events.
    Live(i64, u64, Vec<ByteBuf>),
    /// Creation, number of the last event, whether the events are in a list.
    Final(i64, u64, bool),
}

impl EventPages {
    /// Reads the events after this one; `None` if there is no such execution.
    pub(crate) async fn read(
        &self,
        id: ExecutionId,
        after: Sequence,
    ) -> Result<Option<EventPage>, AdapterError> {
        let step = Step::new(&(
            "watch",
            id.to_string(),
            (),
            &self.process,
            duration_micros(self.interval * INTERVALS_WATCHED),
            after.number().min(SEQUENCE_MAX),
            PAGE,
        ))?;
        let damaged = |error| AdapterError::of_record(id, error);
        let (created, sequence, events, has_ended) =
            match self.records.client.run(id, Script::Hot, step).await? {
                WatchReply::Absent => return Ok(None),
                WatchReply::Live(created, sequence, events) => {
                    let events = number_events(events, after.next(), None).map_err(damaged)?;
                    (created, sequence, Some(events), false)
                }
                WatchReply::Final(created, sequence, is_streamed) => {
                    let end = Sequence::from_number(sequence);
                    let events = self.read_ended(id, after, end, is_streamed).await?;
                    (created, sequence, events, true)
                }
            };
        Ok(events.map(|events| EventPage {
            created,
            events,
            sequence: Sequence::from_number(sequence),
            has_ended,
        }))
    }

    /// Reads the events of an ended execution; `None` if it was deleted meanwhile. The final one needs the outcome, which is in the
    /// record or beside it.
    async fn read_ended(
        &self,
        id: ExecutionId,
        after: Sequence,
        end: Sequence,
        is_streamed: bool,
    ) -> Result<Option<Vec<StoredEvent>>, AdapterError> {
        let (client, damaged) = (&self.records.client, |error| {
            AdapterError::of_record(id, error)
        });
        if after >= end {
            return Ok(Some(Vec::new()));
        }
        let range = range_command(&client.layout.events_key(id), after);
        let list = if is_streamed {
            Some(byte_strings(client.call(&range).await?)?)
        } else {
            None
        };
        let events = match list {
            Some(list) if after.plus(PAGE) < end => number_events(list, after.next(), None),
            list => match self.records.read_ending(id).await? {
                Some(ending) => last_events(&ending, after, list),
                None => return Ok(None),
            },
        };
        events.map(Some).map_err(damaged)
    }
}

/// The events of an ended execution after this one: those of a list, or those that follow from its final record.
fn last_events(
    ending: &[u8],
    after: Sequence,
    list: Option<Vec<ByteBuf>>,
) -> Result<Vec<StoredEvent>, RecordError> {
    let mut record = StoredRecord::decode(ending)?;
    let Some(list) = list else {
        let mut events = all_events(&mut record)?;
        events.retain(|event| event.sequence > after);
        return Ok(events);
    };
    let end = record.take_final_progress()?;
    let outcome = end.as_ref().and_then(Progress::outcome);
    number_events(list, after.next(), outcome)
}

fn range_command(key: &str, after: Sequence) -> Cmd {
    let mut command = command(&["LRANGE", key]);
    command.arg(after.number()).arg(after.number() + PAGE - 1);
    command
}
