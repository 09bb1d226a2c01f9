//! The program's side of a run: where its output goes, and where its input and the wish to stop it come from.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{InputPiece, InputWanted, OutputStream, RunInput, RunIo};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::recorder::Recorder;

/// What comes for a program that is not interactive, or still comes for one that is.
#[derive(Debug)]
pub(super) enum Stdin {
    /// More may be sent.
    Open(mpsc::Receiver<InputPiece>),
    /// Nothing more comes, which the program has still to be told.
    Ending,
    /// Nothing more comes.
    Ended,
}

/// The program's side of a run.
#[derive(Debug)]
pub(super) struct RecordingIo {
    pub(super) recorder: Arc<Recorder>,
    pub(super) stdin: Stdin,
    pub(super) cancelled: CancellationToken,
    pub(super) stop: Stop,
}

/// Whether the program was told that it is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    NotTold,
    Told,
}

#[async_trait]
impl RunIo for RecordingIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        self.recorder.record(stream, &bytes);
    }

    fn cut(&mut self, stream: OutputStream) {
        self.recorder.cut(stream);
    }

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        let Self {
            stdin,
            cancelled,
            stop,
            ..
        } = self;
        if wanted == InputWanted::Anything && matches!(stdin, Stdin::Ending) {
            *stdin = Stdin::Ended;
            return RunInput::Closed;
        }
        tokio::select! {
            biased;
            () = cancelled.cancelled(), if *stop == Stop::NotTold => {
                *stop = Stop::Told;
                *stdin = Stdin::Ended;
                RunInput::Cancel
            }
            input = next_input(stdin), if wanted == InputWanted::Anything => input,
            else => std::future::pending().await,
        }
    }

    async fn awaiting_input(&mut self) {
        self.recorder.note_awaiting_input();
    }
}

/// Waits for the next piece, or for its end, which comes once. Cancel-safe.
async fn next_input(stdin: &mut Stdin) -> RunInput {
    let Stdin::Open(pieces) = stdin else {
        return std::future::pending().await;
    };
    match pieces.recv().await {
        Some(InputPiece::Data(bytes)) => RunInput::Data(bytes),
        Some(InputPiece::End) | None => {
            *stdin = Stdin::Ended;
            RunInput::Closed
        }
    }
}
