//! Defines the numbered events of an execution, as stored and as streamed to watchers.

use std::fmt;

use bytes::Bytes;

use crate::{Attempt, OutputStream, Progress, Sequence};

/// A change of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The state changed to this. A higher attempt than before makes the output so far void.
    Updated(Progress),
    /// The program wrote output.
    Output(OutputChunk),
    /// The program of this attempt waits for input and has none.
    AwaitingInput(Attempt),
}

impl Event {
    /// Whether this event is the last of its execution.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Updated(progress) => progress.status().is_final(),
            Self::Output(_) | Self::AwaitingInput(_) => false,
        }
    }
}

impl From<RunEvent> for Event {
    fn from(event: RunEvent) -> Self {
        match event {
            RunEvent::Output(chunk) => Self::Output(chunk),
            RunEvent::AwaitingInput(attempt) => Self::AwaitingInput(attempt),
        }
    }
}

/// An event that a worker records while a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent {
    /// The program wrote output.
    Output(OutputChunk),
    /// The program waits for input and has none. Recorded once until more input is sent.
    AwaitingInput(Attempt),
}

impl From<OutputChunk> for RunEvent {
    fn from(chunk: OutputChunk) -> Self {
        Self::Output(chunk)
    }
}

/// A piece of output as the program wrote it. `Debug` shows the length only.
///
/// The chunks of the last attempt of one stream, put together in order, are byte for byte what was kept of the stream.
#[derive(Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// The stream.
    pub stream: OutputStream,
    /// The bytes; not empty.
    pub bytes: Bytes,
    /// The attempt that wrote them.
    pub attempt: Attempt,
}

impl fmt::Debug for OutputChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputChunk")
            .field("stream", &self.stream)
            .field("length_bytes", &self.bytes.len())
            .field("attempt", &self.attempt)
            .finish()
    }
}

/// An event with its number: 1, 2, 3 … for each execution, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The number.
    pub sequence: Sequence,
    /// The event.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_lengths_only() {
        let chunk = OutputChunk {
            stream: OutputStream::Stdout,
            bytes: Bytes::from_static(b"hush"),
            attempt: Attempt::from_count(1),
        };
        let shown = format!("{:?}", Event::from(RunEvent::from(chunk)));
        assert!(!shown.contains("hush"));
        assert!(shown.contains("length_bytes: 4"));
    }
}
