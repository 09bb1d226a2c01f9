//! Messages to watchers, on a WebSocket and in a stream of events.

use std::time::Duration;

use coderun_domain::{Attempt, Execution, ExecutionId, OutputChunk, Sequence, StorePolicy};
use serde::Serialize;

use super::format::{Base64, Shown, millis};
use super::record::{Audience, ExecutionRecord};

/// What a message takes beyond its texts, roughly.
const MESSAGE_BYTES: usize = 192;

/// A message to a watcher.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerMessage<'a> {
    /// The execution stands like this.
    ExecutionUpdate {
        execution_id: Shown<ExecutionId>,
        seq: u64,
        data: Box<ExecutionRecord<'a>>,
    },
    /// The program wrote something.
    ExecutionOutput {
        execution_id: Shown<ExecutionId>,
        seq: u64,
        data: ChunkRecord<'a>,
    },
    /// The program waits for input.
    AwaitingInput {
        execution_id: Shown<ExecutionId>,
        seq: u64,
        data: AwaitingRecord,
    },
    /// The execution waits at this place.
    Queue { data: QueueRecord },
    /// The server is going away.
    GoingAway { data: GoingAwayRecord },
    /// The client needs a fresh token.
    AuthExpiring { data: AuthExpiringRecord },
    /// What the client sent cannot be served.
    Error { data: ErrorRecord<'a> },
    /// The answer to `ping`.
    Pong,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChunkRecord<'a> {
    stream: &'static str,
    #[serde(flatten)]
    bytes: ChunkBytes<'a>,
    attempt: u32,
}

/// A chunk ends where the program paused, which may be in the middle of a character: then only the bytes are true.
#[derive(Debug, Serialize)]
enum ChunkBytes<'a> {
    #[serde(rename = "text")]
    Text(&'a str),
    #[serde(rename = "bytes_base64")]
    Bytes(Base64<'a>),
}

#[derive(Debug, Serialize)]
pub(crate) struct AwaitingRecord {
    attempt: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct QueueRecord {
    position: u64,
    estimated_start_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct GoingAwayRecord {
    reconnect_within_ms: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct AuthExpiringRecord {
    expires_in_ms: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct ErrorRecord<'a> {
    detail: &'a str,
}

impl<'a> ServerMessage<'a> {
    /// That the execution stands like this.
    pub(crate) fn update(execution: &'a Execution, policy: &StorePolicy) -> Self {
        Self::ExecutionUpdate {
            execution_id: Shown(execution.id()),
            seq: execution.sequence().number(),
            data: Box::new(ExecutionRecord::new(execution, policy, Audience::Watcher)),
        }
    }

    /// That the program wrote this.
    pub(crate) fn output(id: ExecutionId, sequence: Sequence, chunk: &'a OutputChunk) -> Self {
        let bytes = match std::str::from_utf8(&chunk.bytes) {
            Ok(text) => ChunkBytes::Text(text),
            Err(_) => ChunkBytes::Bytes(Base64(&chunk.bytes)),
        };
        Self::ExecutionOutput {
            execution_id: Shown(id),
            seq: sequence.number(),
            data: ChunkRecord {
                stream: chunk.stream.as_str(),
                bytes,
                attempt: chunk.attempt.count(),
            },
        }
    }

    /// That the program of this attempt waits for input.
    pub(crate) const fn awaiting_input(
        id: ExecutionId,
        sequence: Sequence,
        attempt: Attempt,
    ) -> Self {
        Self::AwaitingInput {
            execution_id: Shown(id),
            seq: sequence.number(),
            data: AwaitingRecord {
                attempt: attempt.count(),
            },
        }
    }

    /// That the execution waits at this place, and when it may be its turn.
    pub(crate) fn queue(position: u64, estimated_start: Option<Duration>) -> Self {
        Self::Queue {
            data: QueueRecord {
                position,
                estimated_start_ms: estimated_start.map(millis),
            },
        }
    }

    /// That the server is going away.
    pub(crate) fn going_away(reconnect_within: Duration) -> Self {
        Self::GoingAway {
            data: GoingAwayRecord {
                reconnect_within_ms: millis(reconnect_within),
            },
        }
    }

    /// That the client needs a fresh token.
    pub(crate) fn auth_expiring(expires_in: Duration) -> Self {
        Self::AuthExpiring {
            data: AuthExpiringRecord {
                expires_in_ms: millis(expires_in),
            },
        }
    }

    /// That something cannot be served.
    pub(crate) const fn error(detail: &'a str) -> Self {
        Self::Error {
            data: ErrorRecord { detail },
        }
    }

    /// That a watcher cannot have what comes after a number that is yet to come.
    pub(crate) const fn since_is_ahead() -> Self {
        Self::error("since is higher than the number of the last event; a snapshot follows")
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::ExecutionUpdate { .. } => "execution_update",
            Self::ExecutionOutput { .. } => "execution_output",
            Self::AwaitingInput { .. } => "awaiting_input",
            Self::Queue { .. } => "queue",
            Self::GoingAway { .. } => "going_away",
            Self::AuthExpiring { .. } => "auth_expiring",
            Self::Error { .. } => "error",
            Self::Pong => "pong",
        }
    }

    /// Its number, if it is stored; what belongs to one connection is not.
    pub(crate) const fn sequence(&self) -> Option<u64> {
        match self {
            Self::ExecutionUpdate { seq, .. }
            | Self::ExecutionOutput { seq, .. }
            | Self::AwaitingInput { seq, .. } => Some(*seq),
            Self::Queue { .. }
            | Self::GoingAway { .. }
            | Self::AuthExpiring { .. }
            | Self::Error { .. }
            | Self::Pong => None,
        }
    }

    /// About how long it is, so that its buffer need not grow.
    pub(crate) fn size_hint(&self) -> usize {
        match self {
            Self::ExecutionUpdate { data, .. } => MESSAGE_BYTES + data.size_hint(),
            Self::ExecutionOutput { data, .. } => MESSAGE_BYTES + data.bytes.size_hint(),
            Self::AwaitingInput { .. }
            | Self::Queue { .. }
            | Self::GoingAway { .. }
            | Self::AuthExpiring { .. }
            | Self::Error { .. }
            | Self::Pong => MESSAGE_BYTES,
        }
    }
}

impl ChunkBytes<'_> {
    fn size_hint(&self) -> usize {
        match self {
            // Some room for line ends, each of which takes two bytes.
            Self::Text(text) => text.len() + text.len() / 16,
            Self::Bytes(Base64(bytes)) => bytes.len().div_ceil(3) * 4,
        }
    }
}
