//! Completes the outcomes of executions that a script has ended: it stores no output, because that may be large.

use coderun_domain::{Event, ExecutionId, OutputStream, Sequence};
use coderun_record::{RecordError, decode_event, pack_fields};
use serde_bytes::ByteBuf;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::command::command;
use crate::event_pages::read_list;
use crate::stored_record::Header;

impl RedisBackend {
    /// Adds the output of the last attempt to the outcome of a forced end, as far as its worker has told it. Others remain as
    /// they are.
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
            let range = command(&["LRANGE", &self.shared.layout.events_key(id), "0", "-1"]);
            let [events] = self.read([range]).await?;
            read_list(events)?
        } else {
            Vec::new()
        };
        add_output(outcome, end.attempt, events).map_err(damaged)
    }
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
