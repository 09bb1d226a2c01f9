//! Encodes messages once for all watchers.

use std::io::{self, Write as _};
use std::sync::Arc;

use actix_web::web::{self, Bytes};
use coderun_domain::{
    Event, Execution, ExecutionId, FailureKind, OutputChunk, Sequence, Status, StorePolicy,
    StoredEvent, Submission, WatchError,
};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, Ready, ready};

use crate::large_answers::{LargeAnswerError, SMALL_MAX_BYTES};
use crate::state::AppState;
use crate::wire::{Audience, ServerMessage, json_bytes_max, text_bytes};

/// The size of an event stream's frame without its message, roughly.
const FRAME_BYTES: usize = 64;

/// What comes before the JSON in a frame.
const DATA_FIELD: &[u8] = b"data: ";

/// What comes after it.
const FRAME_END: &[u8] = b"\n\n";

/// A message for watchers. Clones share its bytes.
#[derive(Debug, Clone)]
pub(crate) struct EncodedMessage {
    /// The frame of an event stream: the type of the message, its number if it is stored, and the JSON.
    pub(crate) frame: Bytes,
    /// The JSON, a part of the frame's bytes.
    pub(crate) json: Bytes,
    /// Whether it reports the final state, so that the end follows it at once.
    pub(crate) is_last: bool,
}

impl EncodedMessage {
    /// Encodes a message.
    ///
    /// # Errors
    /// [`FeedError::Encoding`] if it cannot be serialized.
    pub(crate) fn new(message: &ServerMessage<'_>) -> Result<Self, FeedError> {
        let mut frame = write_frame(message).map_err(FeedError::encoding)?;
        frame.shrink_to_fit();
        Ok(Self::of_frame(frame.into()))
    }

    fn of_frame(frame: Bytes) -> Self {
        let head = frame
            .windows(DATA_FIELD.len())
            .position(|field| field == DATA_FIELD);
        let start = head.map_or(0, |head| head + DATA_FIELD.len());
        let json = frame.slice(start..frame.len() - FRAME_END.len());
        Self {
            frame,
            json,
            is_last: false,
        }
    }
}

/// Writes a frame (HTML standard, section 9.2). JSON has no line ends, so it is one line.
fn write_frame(message: &ServerMessage<'_>) -> io::Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(FRAME_BYTES + message.size_hint());
    writeln!(frame, "event: {}", message.kind)?;
    if let Some(sequence) = message.seq {
        writeln!(frame, "id: {sequence}")?;
    }
    frame.extend_from_slice(DATA_FIELD);
    serde_json::to_writer(&mut frame, message)?;
    frame.extend_from_slice(FRAME_END);
    Ok(frame)
}

/// A message that is being encoded: a small one at once, a large one within the budget for large answers.
pub(super) type Encoding = Either<
    Ready<Result<EncodedEvent, FeedError>>,
    BoxFuture<'static, Result<EncodedEvent, FeedError>>,
>;

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
    pub(super) fn encode(&self, stored: StoredEvent, state: &web::Data<AppState>) -> Encoding {
        let (id, sequence) = (self.id, stored.sequence);
        let message = match stored.event {
            Event::Updated(progress) => {
                let execution = Execution::restore(id, Arc::clone(&self.submission), progress);
                return encode_update(execution, state);
            }
            Event::Output(chunk) if chunk.bytes.len() > SMALL_MAX_BYTES => {
                return self.encode_large_output(sequence, chunk, state.clone());
            }
            Event::Output(chunk) => {
                EncodedMessage::new(&ServerMessage::output(id, sequence, &chunk))
            }
            Event::AwaitingInput(attempt) => {
                EncodedMessage::new(&ServerMessage::awaiting_input(id, sequence, attempt))
            }
        };
        let event = message.map(|message| EncodedEvent {
            sequence,
            update: None,
            message,
        });
        Either::Left(ready(event))
    }

    fn encode_large_output(
        &self,
        sequence: Sequence,
        chunk: OutputChunk,
        state: web::Data<AppState>,
    ) -> Encoding {
        let (id, submission) = (self.id, Arc::clone(&self.submission));
        let encoding = async move {
            let bound_bytes = json_bytes_max(chunk.bytes.len());
            let encode = move || write_frame(&ServerMessage::output(id, sequence, &chunk));
            let made = state
                .large_answers
                .make(submission.user(), bound_bytes, encode);
            Ok(EncodedEvent {
                sequence,
                update: None,
                message: EncodedMessage::of_frame(made.await?),
            })
        };
        Either::Right(encoding.boxed())
    }
}

/// Encodes an execution as it stands.
pub(super) fn encode_update(execution: Execution, state: &web::Data<AppState>) -> Encoding {
    let text_bytes = text_bytes(&execution, Audience::Watcher);
    if text_bytes <= SMALL_MAX_BYTES {
        let policy = state.ports.executions.store_policy();
        return Either::Left(ready(encode_small_update(&execution, policy)));
    }
    let state = state.clone();
    let encoding = async move {
        let update = UpdateEvent::of(&execution);
        let created_at = execution.progress().created_at();
        let answer = (execution.id(), created_at, Audience::Watcher);
        let submission = Arc::clone(execution.submission());
        let executions = Arc::clone(&state.ports.executions);
        let encode = move || {
            write_frame(&ServerMessage::update(
                &execution,
                executions.store_policy(),
            ))
        };
        let made = state.large_answers.make_once(
            answer,
            submission.user(),
            json_bytes_max(text_bytes),
            encode,
        );
        Ok(update.with(EncodedMessage::of_frame(made.await?)))
    };
    Either::Right(encoding.boxed())
}

/// Encodes an execution that has no large texts.
pub(super) fn encode_small_update(
    execution: &Execution,
    policy: &StorePolicy,
) -> Result<EncodedEvent, FeedError> {
    let message = EncodedMessage::new(&ServerMessage::update(execution, policy))?;
    Ok(UpdateEvent::of(execution).with(message))
}

/// An update without its message.
struct UpdateEvent {
    sequence: Sequence,
    status: Status,
    is_last: bool,
}

impl UpdateEvent {
    fn of(execution: &Execution) -> Self {
        Self {
            sequence: execution.sequence(),
            status: execution.reported_status(),
            is_last: execution.status().is_final(),
        }
    }

    fn with(self, message: EncodedMessage) -> EncodedEvent {
        EncodedEvent {
            sequence: self.sequence,
            update: Some(self.status),
            message: EncodedMessage {
                is_last: self.is_last,
                ..message
            },
        }
    }
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
    /// A large message cannot be made.
    #[error(transparent)]
    Large(#[from] LargeAnswerError),
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
            Self::Large(error) => error.kind(),
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
    use coderun_domain::{Attempt, OutputStream};

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
        assert_eq!(encoded.json, data);
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
        let EncodedMessage { frame, json, .. } = EncodedMessage::new(&ServerMessage::PONG).unwrap();
        let start = json.as_ptr().addr() - frame.as_ptr().addr();
        assert_eq!(&frame[start..start + json.len()], json);
    }
}
