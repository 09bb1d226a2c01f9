//! Encodes the messages to watchers, of sockets and event streams.

use std::time::Duration;

use coderun_domain::{Attempt, Execution, ExecutionId, OutputChunk, Sequence, StorePolicy};
use serde::Serialize;

use super::format::{Base64, DisplayText, millis};
use super::record::{Audience, ExecutionRecord};

/// The size of a message without its texts, roughly.
const MESSAGE_BYTES: usize = 192;

/// A message to a watcher.
#[derive(Debug, Serialize)]
pub(crate) struct ServerMessage<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Only in stored messages, like `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_id: Option<DisplayText<ExecutionId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<MessageData<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum MessageData<'a> {
    Update(Box<ExecutionRecord<'a>>),
    Output {
        stream: &'static str,
        #[serde(flatten)]
        bytes: ChunkBytes<'a>,
        attempt: u32,
    },
    AwaitingInput {
        attempt: u32,
    },
    Queue {
        position: u64,
        estimated_start_ms: Option<u64>,
    },
    GoingAway {
        reconnect_within_ms: u64,
    },
    AuthExpiring {
        expires_in_ms: u64,
    },
    Error {
        detail: &'a str,
    },
}

/// The bytes of a chunk. A chunk may end within a character; it is then sent as bytes.
#[derive(Debug, Serialize)]
enum ChunkBytes<'a> {
    #[serde(rename = "text")]
    Text(&'a str),
    #[serde(rename = "bytes_base64")]
    Bytes(Base64<'a>),
}

impl<'a> ServerMessage<'a> {
    /// The answer to `ping`.
    pub(crate) const PONG: Self = Self {
        kind: "pong",
        execution_id: None,
        seq: None,
        data: None,
    };

    fn stored(
        kind: &'static str,
        id: ExecutionId,
        sequence: Sequence,
        data: MessageData<'a>,
    ) -> Self {
        Self {
            execution_id: Some(DisplayText(id)),
            seq: Some(sequence.number()),
            ..Self::of_connection(kind, data)
        }
    }

    fn of_connection(kind: &'static str, data: MessageData<'a>) -> Self {
        Self {
            kind,
            data: Some(data),
            ..Self::PONG
        }
    }

    /// The execution has changed.
    pub(crate) fn update(execution: &'a Execution, policy: &StorePolicy) -> Self {
        let record = ExecutionRecord::new(execution, policy, Audience::Watcher);
        let data = MessageData::Update(Box::new(record));
        let (id, sequence) = (execution.id(), execution.sequence());
        Self::stored("execution_update", id, sequence, data)
    }

    /// The program has written output.
    pub(crate) fn output(id: ExecutionId, sequence: Sequence, chunk: &'a OutputChunk) -> Self {
        let bytes = match std::str::from_utf8(&chunk.bytes) {
            Ok(text) => ChunkBytes::Text(text),
            Err(_) => ChunkBytes::Bytes(Base64(&chunk.bytes)),
        };
        let data = MessageData::Output {
            stream: chunk.stream.as_str(),
            bytes,
            attempt: chunk.attempt.count(),
        };
        Self::stored("execution_output", id, sequence, data)
    }

    /// The program of this attempt waits for input.
    pub(crate) fn awaiting_input(id: ExecutionId, sequence: Sequence, attempt: Attempt) -> Self {
        let attempt = attempt.count();
        let data = MessageData::AwaitingInput { attempt };
        Self::stored("awaiting_input", id, sequence, data)
    }

    /// The execution has this position in the queue, and may start after this time.
    pub(crate) fn queue(position: u64, estimated_start: Option<Duration>) -> Self {
        let data = MessageData::Queue {
            position,
            estimated_start_ms: estimated_start.map(millis),
        };
        Self::of_connection("queue", data)
    }

    /// The server is going away.
    pub(crate) fn going_away(reconnect_within: Duration) -> Self {
        let data = MessageData::GoingAway {
            reconnect_within_ms: millis(reconnect_within),
        };
        Self::of_connection("going_away", data)
    }

    /// The client needs a fresh token.
    pub(crate) fn auth_expiring(expires_in: Duration) -> Self {
        let expires_in_ms = millis(expires_in);
        let data = MessageData::AuthExpiring { expires_in_ms };
        Self::of_connection("auth_expiring", data)
    }

    /// A request of the client cannot be served.
    pub(crate) fn error(detail: &'a str) -> Self {
        Self::of_connection("error", MessageData::Error { detail })
    }

    /// `since` is higher than the last event's number.
    pub(crate) fn since_is_ahead() -> Self {
        Self::error("since is higher than the number of the last event; a snapshot follows")
    }

    /// The approximate size, so that its buffer need not grow.
    pub(crate) fn size_hint(&self) -> usize {
        let data = match &self.data {
            Some(MessageData::Update(record)) => record.size_hint(),
            Some(MessageData::Output { bytes, .. }) => bytes.size_hint(),
            Some(
                MessageData::AwaitingInput { .. }
                | MessageData::Queue { .. }
                | MessageData::GoingAway { .. }
                | MessageData::AuthExpiring { .. }
                | MessageData::Error { .. },
            )
            | None => 0,
        };
        MESSAGE_BYTES + data
    }
}

impl ChunkBytes<'_> {
    fn size_hint(&self) -> usize {
        match self {
            // Some space for line ends, each of which takes two bytes in JSON.
            Self::Text(text) => text.len() + text.len() / 16,
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}
