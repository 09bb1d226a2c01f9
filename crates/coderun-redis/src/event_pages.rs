//! Reads the stored events of an execution in pages.

use coderun_domain::{ExecutionId, Sequence, State, StoredEvent};
use coderun_record::{RecordError, duration_micros, from_micros};
use deadpool_redis::redis::{Cmd, Value};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::reply::{UnexpectedReply, array, bytes, optional_bytes};
use crate::step::{Script, Step};
use crate::stored_events::{all_events, number_events};
use crate::stored_record::StoredRecord;

/// The number of events in one read: at most 1 MiB, with pieces of output of 16 KiB.
const PAGE: u64 = 64;
/// Higher than any sequence number, and still exact in the floating-point numbers of Lua.
const SEQUENCE_MAX: u64 = 1 << 52;
/// How many intervals of reading a process is told what happens to an execution that it no longer watches.
const INTERVALS_WATCHED: u32 = 10;

/// Some events in their order, and the progress of the execution when they were read.
#[derive(Debug)]
pub(crate) struct EventPage {
    /// The creation of the execution, which distinguishes it from others with the same id.
    pub(crate) created: i64,
    pub(crate) events: Vec<StoredEvent>,
    /// The number of the last stored event.
    pub(crate) sequence: Sequence,
    /// When the record expires, if the execution has ended.
    pub(crate) expires: Option<OffsetDateTime>,
}

/// The reply to `watch`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WatchReply {
    Absent,
    /// Creation, number of the last event, events.
    Live(i64, u64, Vec<ByteBuf>),
    Final(Ended),
}

/// What is known of an ended execution without its record.
#[derive(Debug, Deserialize)]
struct Ended {
    created: i64,
    sequence: u64,
    expires: i64,
    is_streamed: bool,
}

impl RedisBackend {
    /// Reads the events after this one, and makes other processes tell this one what follows; `None` if there is no such
    /// execution.
    pub(crate) async fn read_events(
        &self,
        id: ExecutionId,
        after: Sequence,
    ) -> Result<Option<EventPage>, AdapterError> {
        let none: Option<&str> = None;
        let lifetime = self.shared.config.watch_interval * INTERVALS_WATCHED;
        let step = Step::new(&(
            "watch",
            id.to_string(),
            none,
            &self.shared.process,
            duration_micros(lifetime),
            after.number().min(SEQUENCE_MAX),
            PAGE,
        ))?;
        match self
            .run_step_on(id, Script::Hot, &step)
            .await?
            .decode_for(id)?
        {
            WatchReply::Absent => Ok(None),
            WatchReply::Live(created, sequence, events) => {
                let events = number_events(events, after.next(), None);
                Ok(Some(EventPage {
                    created,
                    events: events.map_err(|error| AdapterError::of_record(id, error))?,
                    sequence: Sequence::from_number(sequence),
                    expires: None,
                }))
            }
            WatchReply::Final(ended) => self.read_ended(id, after, &ended).await,
        }
    }

    /// Reads the events of an ended execution; `None` if it was deleted meanwhile.
    async fn read_ended(
        &self,
        id: ExecutionId,
        after: Sequence,
        ended: &Ended,
    ) -> Result<Option<EventPage>, AdapterError> {
        let sequence = Sequence::from_number(ended.sequence);
        let damaged = |error| AdapterError::of_record(id, error);
        let events = if after >= sequence {
            Vec::new()
        } else if ended.is_streamed && after.plus(PAGE) < sequence {
            let [list] = self.read([self.range_command(id, after)]).await?;
            let list = read_list(list)?;
            number_events(list, after.next(), None).map_err(damaged)?
        } else {
            let Some(events) = self.read_last_events(id, after, ended.is_streamed).await? else {
                return Ok(None);
            };
            events
        };
        Ok(Some(EventPage {
            created: ended.created,
            events,
            sequence,
            expires: Some(from_micros("expires", ended.expires).map_err(damaged)?),
        }))
    }

    /// Reads the events of an ended execution up to the final one, whose outcome is in the record or beside it.
    async fn read_last_events(
        &self,
        id: ExecutionId,
        after: Sequence,
        is_streamed: bool,
    ) -> Result<Option<Vec<StoredEvent>>, AdapterError> {
        let layout = &self.shared.layout;
        let read_record = command(&["GET", &layout.record_key(id)]);
        let read_outcome = command(&["GET", &layout.outcome_key(id)]);
        let commands = [self.range_command(id, after), read_record, read_outcome];
        let [list, record, outcome] = self.read(commands).await?;
        let outcome = self.complete_outcome(id, optional_bytes(outcome)?).await?;
        let ending = if outcome.is_empty() {
            optional_bytes(record)?
        } else {
            outcome
        };
        if ending.is_empty() {
            return Ok(None);
        }
        let list: Vec<ByteBuf> = read_list(list)?;
        let events = || -> Result<Vec<StoredEvent>, RecordError> {
            let mut record = StoredRecord::decode(&ending)?;
            if !is_streamed {
                let mut events = all_events(&mut record)?;
                events.retain(|event| event.sequence > after);
                return Ok(events);
            }
            let end = record.take_final_progress()?;
            let outcome = end.as_ref().and_then(|end| match end.state() {
                State::Final { outcome, .. } => Some(outcome),
                State::Pending | State::Running { .. } => None,
            });
            number_events(list, after.next(), outcome)
        };
        let events = events().map_err(|error| AdapterError::of_record(id, error))?;
        Ok(Some(events))
    }

    fn range_command(&self, id: ExecutionId, after: Sequence) -> Cmd {
        let mut command = command(&["LRANGE", &self.shared.layout.events_key(id)]);
        command.arg(after.number()).arg(after.number() + PAGE - 1);
        command
    }
}

/// Reads a list of events.
pub(crate) fn read_list(list: Value) -> Result<Vec<ByteBuf>, UnexpectedReply> {
    let read = |event| bytes(event).map(ByteBuf::from);
    array(list)?.into_iter().map(read).collect()
}
