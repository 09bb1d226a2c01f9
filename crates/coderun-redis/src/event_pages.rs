//! Reads the stored events of an execution in pages.

use std::collections::VecDeque;
use std::sync::Arc;

use coderun_domain::{ExecutionId, Sequence, StoredEvent};
use coderun_record::{Fields, RecordError, decode_event, decode_outcome};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::record::read_fields;
use crate::reply::{Reply, UnexpectedReply, array, bytes};
use crate::script::Arguments;

/// The number of events in one read: at most 1 MiB, with pieces of output of 16 KiB.
const PAGE: u64 = 64;

/// Higher than any sequence number, and still exact in the floating-point numbers of Lua.
const SEQUENCE_MAX: u64 = 1 << 52;

/// Some events in their order, and the progress of the execution when they were read.
#[derive(Debug)]
pub(crate) struct EventPage {
    /// Distinguishes the execution from a later one with the same id.
    pub(crate) incarnation: String,
    pub(crate) events: VecDeque<StoredEvent>,
    /// The number of the last stored event.
    pub(crate) sequence: Sequence,
    /// Whether no event will follow that one.
    pub(crate) is_final: bool,
}

impl RedisBackend {
    /// Reads the events after this one; `None` if there is no such execution. A non-empty incarnation must match.
    pub(crate) async fn read_events(
        &self,
        id: ExecutionId,
        incarnation: &str,
        after: Sequence,
    ) -> Result<Option<EventPage>, AdapterError> {
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(incarnation)
            .number(after.number().min(SEQUENCE_MAX))
            .number(PAGE);
        let script = &self.shared.scripts.watch;
        let mut reply = self.run_step_on(id, script, arguments).await?;
        match reply.word() {
            "absent" => Ok(None),
            "events" => read_page(id, &mut reply, after).map(Some),
            _ => Err(UnexpectedReply.into()),
        }
    }
}

fn read_page(
    id: ExecutionId,
    reply: &mut Reply,
    after: Sequence,
) -> Result<EventPage, AdapterError> {
    let incarnation = reply.text()?;
    let is_final = reply.text()? == "final";
    let sequence = Sequence::from_number(reply.number()?);
    let stored = array(reply.value()?)?;
    let stored: Vec<Vec<u8>> = stored.into_iter().map(bytes).collect::<Result<_, _>>()?;
    let outcome = read_fields(reply.value()?)?;
    let events = decode_events(stored, outcome, after);
    Ok(EventPage {
        incarnation,
        events: events.map_err(|error| AdapterError::of_record(id, error))?,
        sequence,
        is_final,
    })
}

fn decode_events(
    stored: Vec<Vec<u8>>,
    mut outcome: Fields,
    after: Sequence,
) -> Result<VecDeque<StoredEvent>, RecordError> {
    let outcome = if outcome.is_empty() {
        None
    } else {
        Some(Arc::new(decode_outcome(&mut outcome)?))
    };
    let mut sequence = after;
    let decode = |event| {
        sequence = sequence.next();
        let event = decode_event(event, sequence, outcome.as_ref())?;
        Ok(StoredEvent { sequence, event })
    };
    stored.into_iter().map(decode).collect()
}
