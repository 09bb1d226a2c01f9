//! Connects a running program to its recorder, its input and its cancellation.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{InputPiece, InputWanted, OutputStream, RunInput, RunIo};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::output_recorder::OutputRecorder;
use super::run_permit::RunPermit;

/// The stdin of a program, beyond the input that was submitted with it.
#[derive(Debug)]
enum Stdin {
    /// More input may come.
    Open(mpsc::Receiver<InputPiece>),
    /// No more comes, and the program has still to get [`RunInput::Closed`].
    Closing,
    /// The program has got [`RunInput::Closed`] or [`RunInput::Cancel`].
    Closed,
}

/// The worker's end of a run.
#[derive(Debug)]
pub(super) struct RecordingIo<'a> {
    recorder: Arc<OutputRecorder>,
    permit: &'a RunPermit,
    stdin: Stdin,
    /// Set until the program has got [`RunInput::Cancel`].
    cancelled: Option<CancellationToken>,
    /// Whether the runner has asked for the place and not got its answer.
    is_place_requested: bool,
}

impl<'a> RecordingIo<'a> {
    /// Without `input` the program is not interactive.
    pub(super) fn new(
        recorder: Arc<OutputRecorder>,
        input: Option<mpsc::Receiver<InputPiece>>,
        cancelled: CancellationToken,
        permit: &'a RunPermit,
    ) -> Self {
        Self {
            recorder,
            permit,
            stdin: input.map_or(Stdin::Closing, Stdin::Open),
            cancelled: Some(cancelled),
            is_place_requested: false,
        }
    }
}

#[async_trait]
impl RunIo for RecordingIo<'_> {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        self.recorder.record(stream, &bytes);
    }

    fn mark_truncated(&mut self, stream: OutputStream) {
        self.recorder.mark_truncated(stream);
    }

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        if wanted == InputWanted::Anything && matches!(self.stdin, Stdin::Closing) {
            self.stdin = Stdin::Closed;
            return RunInput::Closed;
        }
        tokio::select! {
            biased;
            () = cancellation(self.cancelled.as_ref()) => {
                self.cancelled = None;
                self.stdin = Stdin::Closed;
                RunInput::Cancel
            }
            () = self.permit.held(), if self.is_place_requested => {
                self.is_place_requested = false;
                RunInput::Resumed
            }
            input = next_input(&mut self.stdin), if wanted == InputWanted::Anything => {
                self.permit.mark_answered();
                input
            }
        }
    }

    async fn awaiting_input(&mut self) {
        self.recorder.record_awaiting_input();
        self.permit.mark_waiting();
    }

    fn park(&mut self) -> bool {
        // Input that is on its way would find the program without a permit.
        let may_park = matches!(&self.stdin, Stdin::Open(pieces) if pieces.is_empty());
        may_park && self.permit.park()
    }

    fn request_place(&mut self) {
        self.permit.request();
        self.is_place_requested = true;
    }
}

async fn cancellation(cancelled: Option<&CancellationToken>) {
    match cancelled {
        Some(cancelled) => cancelled.cancelled().await,
        None => std::future::pending().await,
    }
}

/// Waits for the next piece, or for the end, which comes once. Cancel-safe.
async fn next_input(stdin: &mut Stdin) -> RunInput {
    let Stdin::Open(pieces) = stdin else {
        return std::future::pending().await;
    };
    match pieces.recv().await {
        Some(InputPiece::Data(bytes)) => RunInput::Data(bytes),
        Some(InputPiece::End) | None => {
            *stdin = Stdin::Closed;
            RunInput::Closed
        }
    }
}
