//! Decodes the messages with which a step tells another process what has happened.

use coderun_domain::{ExecutionId, Sequence, StoredEvent};
use coderun_record::RecordError;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::stored_events::{end_events, number_events};
use crate::stored_record::StoredRecord;

/// The id, the number of the first event, the events, and the final record if the execution has ended. Events and record
/// are missing where they would be too long, or have to be read from elsewhere.
#[derive(Deserialize)]
struct FeedMessage(String, u64, Vec<ByteBuf>, ByteBuf);

/// Decodes what `notify` of `stream.lua` sends: the execution, and its events without gaps, or `None` if they have to be read
/// from the server. A message of another version is nothing.
pub(super) fn decode(message: &[u8]) -> Option<(ExecutionId, Option<Vec<StoredEvent>>)> {
    let FeedMessage(id, first, events, record) = rmp_serde::from_slice(message).ok()?;
    let events = decode_events(first, events, &record).ok();
    Some((id.parse().ok()?, events.filter(|it| !it.is_empty())))
}

fn decode_events(
    first: u64,
    events: Vec<ByteBuf>,
    record: &[u8],
) -> Result<Vec<StoredEvent>, RecordError> {
    if record.is_empty() {
        return number_events(events, Sequence::from_number(first), None);
    }
    end_events(&mut StoredRecord::decode(record)?, events)
}
