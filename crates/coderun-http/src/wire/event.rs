//! Messages on a WebSocket.

use coderun_domain::{Execution, ExecutionId, OutputChunk, Sequence, StorePolicy};
use serde::{Deserialize, Serialize};

use super::format::{Base64, Shown};
use super::record::{Audience, ExecutionRecord};
use crate::body::Object;

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

    /// That something cannot be served.
    pub(crate) const fn error(detail: &'a str) -> Self {
        Self::Error {
            data: ErrorRecord { detail },
        }
    }
}

/// A message from a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientMessage {
    /// Are you there?
    Ping,
    /// Stop the execution.
    Cancel,
    /// Something that this server does not know.
    Unknown,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
}

impl ClientMessage {
    /// Reads a message; anything can be sent, so nothing is an error.
    pub(crate) fn parse(text: &str) -> Self {
        match serde_json::from_str::<Object<Tag<'_>>>(text) {
            Ok(Object(tag)) if tag.kind == "ping" => Self::Ping,
            Ok(Object(tag)) if tag.kind == "cancel" => Self::Cancel,
            Ok(_) | Err(_) => Self::Unknown,
        }
    }
}
