//! Collects what a program writes, for tests and benchmarks of runners.

use std::fmt;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{InputWanted, OutputStream, RunInput, RunIo};

/// Keeps all output of a program, gives it no input but the end of stdin, and may cancel it.
pub struct CollectingIo {
    /// The output on stdout.
    pub stdout: Vec<u8>,
    /// The output on stderr.
    pub stderr: Vec<u8>,
    /// The streams that the runner has marked as truncated.
    pub truncated: Vec<OutputStream>,
    /// The number of times that the program waited for input.
    pub awaited: usize,
    /// Whether the runner has asked for input and got its end.
    pub is_closed: bool,
    /// `None` once the program was cancelled.
    cancellation: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl CollectingIo {
    /// Cancels the program when this future is ready.
    #[must_use]
    pub fn cancelled_by(cancellation: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: Vec::new(),
            awaited: 0,
            is_closed: false,
            cancellation: Some(Box::pin(cancellation)),
        }
    }
}

impl Default for CollectingIo {
    /// Never cancels the program.
    fn default() -> Self {
        Self::cancelled_by(std::future::pending())
    }
}

impl fmt::Debug for CollectingIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CollectingIo")
    }
}

#[async_trait]
impl RunIo for CollectingIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        match stream {
            OutputStream::Stdout => self.stdout.extend_from_slice(&bytes),
            OutputStream::Stderr => self.stderr.extend_from_slice(&bytes),
        }
    }

    fn mark_truncated(&mut self, stream: OutputStream) {
        self.truncated.push(stream);
    }

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        let Some(cancellation) = &mut self.cancellation else {
            return std::future::pending().await;
        };
        if wanted == InputWanted::Anything && !self.is_closed {
            self.is_closed = true;
            return RunInput::Closed;
        }
        cancellation.await;
        self.cancellation = None;
        RunInput::Cancel
    }

    async fn awaiting_input(&mut self) {
        self.awaited += 1;
    }
}
