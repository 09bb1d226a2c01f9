//! Connects a running program with a test that reads its output and sends it input.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{InputWanted, OutputStream, RunInput, RunIo};
use tokio::sync::{Notify, mpsc, watch};

/// What a runner reports of a running program.
#[derive(Debug, PartialEq, Eq)]
pub enum ProgramEvent {
    /// The program wrote this.
    Output(OutputStream, Bytes),
    /// The runner has cut this stream.
    Truncated(OutputStream),
    /// The program waits for input.
    AwaitingInput,
}

/// The test's side: reads output and sends input.
#[derive(Debug)]
pub struct InteractiveClient {
    events: mpsc::UnboundedReceiver<ProgramEvent>,
    send: mpsc::UnboundedSender<RunInput>,
    cancel: Arc<Notify>,
    requests: watch::Receiver<InputRequests>,
}

/// The input that a runner has requested so far.
#[derive(Debug, Clone, Copy, Default)]
struct InputRequests {
    requested_bytes: usize,
    only_cancel: bool,
}

impl InteractiveClient {
    /// Sends more for its stdin.
    pub fn send(&self, bytes: impl Into<Bytes>) {
        self.send.send(RunInput::Data(bytes.into())).unwrap();
    }

    /// Ends its stdin.
    pub fn close(&self) {
        self.send.send(RunInput::Closed).unwrap();
    }

    /// Asks to stop the program.
    pub fn cancel(&self) {
        self.cancel.notify_one();
    }

    /// How many bytes of input the runner has asked for.
    #[must_use]
    pub fn requested_bytes(&self) -> usize {
        self.requests.borrow().requested_bytes
    }

    /// Waits until the runner wants no more input for the program.
    pub async fn wait_until_only_cancel_is_wanted(&mut self) {
        self.requests
            .wait_for(|requests| requests.only_cancel)
            .await
            .unwrap();
    }

    /// The next event; `None` when the run is over.
    pub async fn next_event(&mut self) -> Option<ProgramEvent> {
        self.events.recv().await
    }

    /// Reads stdout until it ends like this.
    pub async fn read_stdout_until(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            let event = self.next_event().await;
            let written = String::from_utf8_lossy(&text);
            let event = event.unwrap_or_else(|| panic!("{end:?} never came, but {written:?}"));
            if let ProgramEvent::Output(OutputStream::Stdout, bytes) = event {
                text.extend_from_slice(&bytes);
            }
        }
        String::from_utf8(text).unwrap()
    }

    /// Reads stdout and stderr until the program waits for input.
    pub async fn read_until_awaiting_input(&mut self) -> [String; 2] {
        let mut text = [Vec::new(), Vec::new()];
        loop {
            match self.next_event().await {
                Some(ProgramEvent::Output(stream, bytes)) => {
                    text[usize::from(stream == OutputStream::Stderr)].extend_from_slice(&bytes);
                }
                Some(ProgramEvent::Truncated(_)) => {}
                Some(ProgramEvent::AwaitingInput) => break,
                None => panic!("it never waited for input"),
            }
        }
        text.map(|text| String::from_utf8(text).unwrap())
    }
}

/// The runner's side: passes events on as they happen, and gives input no sooner than it is wanted.
#[derive(Debug)]
pub struct InteractiveIo {
    events: mpsc::UnboundedSender<ProgramEvent>,
    sent: mpsc::UnboundedReceiver<RunInput>,
    cancel: Arc<Notify>,
    is_cancelled: bool,
    requests: watch::Sender<InputRequests>,
}

#[async_trait]
impl RunIo for InteractiveIo {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        // The client may be gone.
        drop(self.events.send(ProgramEvent::Output(stream, bytes)));
    }

    fn mark_truncated(&mut self, stream: OutputStream) {
        drop(self.events.send(ProgramEvent::Truncated(stream)));
    }

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        if self.is_cancelled {
            std::future::pending::<()>().await;
        }
        let takes_all = wanted == InputWanted::Anything;
        self.requests
            .send_modify(|requests| requests.only_cancel = !takes_all);
        let input = tokio::select! {
            biased;
            () = self.cancel.notified() => RunInput::Cancel,
            Some(input) = self.sent.recv(), if takes_all => input,
        };
        match &input {
            RunInput::Data(bytes) => {
                let length = bytes.len();
                self.requests
                    .send_modify(|requests| requests.requested_bytes += length);
            }
            RunInput::Closed | RunInput::Resumed => {}
            RunInput::Cancel => self.is_cancelled = true,
        }
        input
    }

    async fn awaiting_input(&mut self) {
        drop(self.events.send(ProgramEvent::AwaitingInput));
    }
}

/// Makes both sides for one program.
#[must_use]
pub fn interactive_io() -> (InteractiveIo, InteractiveClient) {
    let (event_sender, events) = mpsc::unbounded_channel();
    let (input_sender, sent) = mpsc::unbounded_channel();
    let requests = watch::Sender::new(InputRequests::default());
    let cancel = Arc::new(Notify::new());
    let client = InteractiveClient {
        events,
        send: input_sender,
        cancel: Arc::clone(&cancel),
        requests: requests.subscribe(),
    };
    let program = InteractiveIo {
        events: event_sender,
        sent,
        cancel,
        is_cancelled: false,
        requests,
    };
    (program, client)
}

/// Makes both sides for a program that gets no input.
#[must_use]
pub fn closed_io() -> (InteractiveIo, InteractiveClient) {
    let (io, client) = interactive_io();
    client.close();
    (io, client)
}
