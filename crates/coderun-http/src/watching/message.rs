//! Encodes messages once for all watchers.

use std::io::{self, Write as _};
use std::sync::Arc;

use actix_web::web::Bytes;
use bytestring::ByteString;
use coderun_domain::{
    Event, Execution, ExecutionId, FailureKind, Sequence, Status, StorePolicy, StoredEvent,
    Submission, WatchError,
};

use crate::wire::ServerMessage;

/// The size of an event stream's frame without its message, roughly.
const FRAME_BYTES: usize = 64;

/// A message for watchers. Clones share its bytes.
#[derive(Debug, Clone)]
pub(crate) struct EncodedMessage {
    /// The frame of an event stream: the type of the message, its number if it is stored, and the JSON.
    pub(crate) frame: Bytes,
    /// The JSON, a part of the frame's bytes.
    pub(crate) text: ByteString,
    /// Whether it reports the final state, so that the end follows it at once.
    pub(crate) is_last: bool,
}

impl EncodedMessage {
    /// Encodes a message.
    ///
    /// # Errors
    /// [`FeedError::Encoding`] if it cannot be serialized.
    pub(crate) fn new(message: &ServerMessage<'_>) -> Result<Self, FeedError> {
        let mut frame = Vec::with_capacity(FRAME_BYTES + message.size_hint());
        let text = write_frame(&mut frame, message).map_err(FeedError::encoding)?;
        frame.shrink_to_fit();
        let frame = Bytes::from(frame);
        let text = ByteString::try_from(frame.slice(text))
            .map_err(|error| FeedError::encoding(io::Error::other(error)))?;
        Ok(Self {
            frame,
            text,
            is_last: false,
        })
    }
}

/// Writes a frame (HTML standard, section 9.2) and returns where its JSON stands. JSON has no line ends, so it is one line.
fn write_frame(
    frame: &mut Vec<u8>,
    message: &ServerMessage<'_>,
) -> io::Result<std::ops::Range<usize>> {
    writeln!(frame, "event: {}", message.kind)?;
    if let Some(sequence) = message.seq {
        writeln!(frame, "id: {sequence}")?;
    }
    frame.extend_from_slice(b"data: ");
    let start = frame.len();
    serde_json::to_writer(&mut *frame, message)?;
    let end = frame.len();
    frame.extend_from_slice(b"\n\n");
    Ok(start..end)
}

/// The part of an execution that never changes, which updates are encoded with.
#[derive(Debug, Clone)]
pub(super) struct WatchedExecution {
    pub(super) id: ExecutionId,
    pub(super) submission: Arc<Submission>,
}

/// An event with its message.
#[derive(Debug, Clone)]
pub(super) struct EncodedEvent {
    pub(super) sequence: Sequence,
    /// The status that is reported, if it is an update, which is all that the core contract tells.
    pub(super) update: Option<Status>,
    pub(super) message: EncodedMessage,
}

impl WatchedExecution {
    pub(super) fn of(execution: &Execution) -> Self {
        Self {
            id: execution.id(),
            submission: Arc::clone(execution.submission()),
        }
    }

    /// Encodes a stored event.
    pub(super) fn encode(
        &self,
        stored: StoredEvent,
        policy: &StorePolicy,
    ) -> Result<EncodedEvent, FeedError> {
        let (id, sequence) = (self.id, stored.sequence);
        let message = match stored.event {
            Event::Updated(progress) => {
                let execution = Execution::restore(id, Arc::clone(&self.submission), progress);
                return encode_update(&execution, policy);
            }
            Event::Output(chunk) => {
                EncodedMessage::new(&ServerMessage::output(id, sequence, &chunk))
            }
            Event::AwaitingInput(attempt) => {
                EncodedMessage::new(&ServerMessage::awaiting_input(id, sequence, attempt))
            }
        };
        Ok(EncodedEvent {
            sequence,
            update: None,
            message: message?,
        })
    }
}

/// Encodes an execution as it stands.
pub(super) fn encode_update(
    execution: &Execution,
    policy: &StorePolicy,
) -> Result<EncodedEvent, FeedError> {
    let message = EncodedMessage::new(&ServerMessage::update(execution, policy))?;
    Ok(EncodedEvent {
        sequence: execution.sequence(),
        update: Some(execution.reported_status()),
        message: EncodedMessage {
            is_last: execution.status().is_final(),
            ..message
        },
    })
}

/// Says why watchers get no more messages.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FeedError {
    /// The events cannot be read any more.
    #[error("the events of the execution cannot be read")]
    Watch(#[source] Arc<WatchError>),
    /// A message cannot be serialized.
    #[error("a message to watchers cannot be encoded")]
    Encoding(#[source] Arc<io::Error>),
    /// The feed has ended too early, because of a bug.
    #[error("the feed of the execution has stopped")]
    Stopped,
}

impl FeedError {
    fn encoding(error: io::Error) -> Self {
        Self::Encoding(Arc::new(error))
    }

    /// The kind of failure for the client.
    pub(crate) fn kind(&self) -> FailureKind {
        match self {
            Self::Watch(error) => error.kind(),
            Self::Encoding(_) | Self::Stopped => FailureKind::Bug,
        }
    }
}

impl From<WatchError> for FeedError {
    fn from(error: WatchError) -> Self {
        Self::Watch(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution_id;
    use coderun_domain::{Attempt, OutputChunk, OutputStream};

    use super::*;

    #[test]
    fn a_stored_event_has_its_number_and_line_ends_are_escaped() {
        let chunk = OutputChunk {
            stream: OutputStream::Stdout,
            bytes: Bytes::from_static("a\nb\r\n\u{2028}\n\n".as_bytes()),
            attempt: Attempt::from_count(1),
        };
        let message = ServerMessage::output(execution_id(1), Sequence::from_number(9), &chunk);
        let encoded = EncodedMessage::new(&message).unwrap();
        let frame = std::str::from_utf8(&encoded.frame).unwrap();
        let lines: Vec<&str> = frame.split('\n').collect();
        assert_eq!(lines.len(), 5, "{frame}");
        assert_eq!(lines[..2], ["event: execution_output", "id: 9"]);
        let data = lines[2].strip_prefix("data: ").unwrap();
        assert_eq!(data, serde_json::to_string(&message).unwrap());
        assert_eq!(encoded.text, data);
        assert!(!frame.contains('\r'));
    }

    #[test]
    fn a_message_of_the_connection_has_no_number() {
        let encoded = EncodedMessage::new(&ServerMessage::queue(3, None)).unwrap();
        assert_eq!(
            encoded.frame,
            "event: queue\ndata: {\"type\":\"queue\",\"data\":{\"position\":3,\"estimated_start_ms\":null}}\n\n"
        );
    }

    #[test]
    fn the_json_and_the_frame_share_their_bytes() {
        let EncodedMessage { frame, text, .. } = EncodedMessage::new(&ServerMessage::PONG).unwrap();
        let start = text.as_bytes().as_ptr().addr() - frame.as_ptr().addr();
        assert_eq!(&frame[start..start + text.len()], text.as_bytes());
    }
}
