//! Decodes the messages with which a step tells another process what has happened.

use coderun_domain::{ExecutionId, Sequence, StoredEvent};
use coderun_record::RecordError;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use crate::stored_events::{end_events, number_events};
use crate::stored_record::StoredRecord;

/// The id, the number of the first event, the events, and the final record if the execution has ended. Events and record
/// are missing where they would be too long, or have to be read from elsewhere.
#[derive(Debug, Deserialize)]
pub(super) struct FeedMessage(String, u64, Vec<ByteBuf>, ByteBuf);

impl FeedMessage {
    /// Decodes what `notify` of `states.lua` sends; `None` if it is of another version.
    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(message).ok()
    }

    pub(super) fn id(&self) -> Option<ExecutionId> {
        self.0.parse().ok()
    }

    /// The events without gaps; `None` if they have to be read from the server.
    pub(super) fn into_events(self) -> Option<Vec<StoredEvent>> {
        let events = self.decode_events().ok()?;
        (!events.is_empty()).then_some(events)
    }

    fn decode_events(self) -> Result<Vec<StoredEvent>, RecordError> {
        let Self(_, first, events, record) = self;
        if record.is_empty() {
            return number_events(events, Sequence::from_number(first), None);
        }
        end_events(&mut StoredRecord::decode(&record)?, events)
    }
}
