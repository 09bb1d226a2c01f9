//! Reads the stored events of an execution, a page at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use coderun_domain::{ExecutionId, Sequence, StoredEvent};
use coderun_record::{Fields, RecordError, decode_event, decode_outcome};

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::record::read_fields;
use crate::reply::{Reply, UnexpectedReply, array, bytes};
use crate::script::Arguments;

/// What is read at a time; with pieces of 16 KiB it is 1 MiB at most.
const PAGE: u64 = 64;

/// A number that no execution reaches and the server still counts exactly.
const HIGHEST: u64 = 1 << 52;

/// Events in their order, and how far the execution had come when they were read.
#[derive(Debug)]
pub(crate) struct Page {
    /// Tells the execution from a later one with the same id.
    pub(crate) incarnation: String,
    pub(crate) events: VecDeque<StoredEvent>,
    /// The last event that was stored.
    pub(crate) sequence: Sequence,
    /// Whether that is the last of all.
    pub(crate) is_final: bool,
}

impl RedisBackend {
    /// Reads what follows this event; `None` if there is no such execution. With an incarnation, only that one will do.
    pub(crate) async fn read_events(
        &self,
        id: ExecutionId,
        incarnation: &str,
        after: Sequence,
    ) -> Result<Option<Page>, AdapterError> {
        let arguments = Arguments::default()
            .text(id.to_string())
            .text(incarnation)
            .number(after.number().min(HIGHEST))
            .number(PAGE);
        let script = &self.scripts().watch;
        let mut reply = self.step_on(id, script, arguments).await?;
        match reply.word() {
            "absent" => Ok(None),
            "events" => read_page(id, &mut reply, after).map(Some),
            _ => Err(UnexpectedReply.into()),
        }
    }
}

fn read_page(id: ExecutionId, reply: &mut Reply, after: Sequence) -> Result<Page, AdapterError> {
    let incarnation = reply.text()?;
    let is_final = reply.text()? == "final";
    let sequence = Sequence::from_number(reply.number()?);
    let stored = array(reply.value()?)?;
    let stored: Vec<Vec<u8>> = stored.into_iter().map(bytes).collect::<Result<_, _>>()?;
    let outcome = read_fields(reply.value()?)?;
    let events = decode_events(stored, outcome, after);
    Ok(Page {
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
