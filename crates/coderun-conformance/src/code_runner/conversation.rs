//! A program and somebody who talks with it while it runs.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{InputWanted, OutputStream, Report, RunInput, RunIo};
use tokio::sync::{Notify, mpsc, watch};

use super::RunnerUnderTest;
use super::program::Program;
use crate::fixtures::within;

/// What is heard of a program.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// It wrote this.
    Output(OutputStream, Bytes),
    /// It waits for input.
    Awaiting,
}

/// Whoever talks with a program.
#[derive(Debug)]
pub struct Partner {
    heard: mpsc::UnboundedReceiver<Heard>,
    send: mpsc::UnboundedSender<RunInput>,
    cancel: Arc<Notify>,
    asked: watch::Receiver<Asked>,
}

/// What a runner has asked for.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    taken_bytes: usize,
    only_cancel: bool,
}

impl Partner {
    /// Sends more for its stdin.
    pub fn send(&self, bytes: impl Into<Bytes>) {
        self.send.send(RunInput::Data(bytes.into())).unwrap();
    }

    /// Ends its stdin.
    pub fn close(&self) {
        self.send.send(RunInput::Closed).unwrap();
    }

    /// Asks for its end.
    pub fn cancel(&self) {
        self.cancel.notify_one();
    }

    /// How much the runner has asked for.
    #[must_use]
    pub fn taken_bytes(&self) -> usize {
        self.asked.borrow().taken_bytes
    }

    /// Waits until the runner wants nothing more for the program's stdin.
    pub async fn until_unwanted(&mut self) {
        self.asked
            .wait_for(|asked| asked.only_cancel)
            .await
            .unwrap();
    }

    /// What comes next; `None` when the run is over.
    pub async fn hear(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    /// All that is written to stdout until it ends like this.
    pub async fn hear_until(&mut self, end: &str) -> String {
        let mut said = Vec::new();
        while !said.ends_with(end.as_bytes()) {
            match self.hear().await {
                Some(Heard::Output(OutputStream::Stdout, bytes)) => said.extend_from_slice(&bytes),
                Some(Heard::Output(OutputStream::Stderr, _) | Heard::Awaiting) => {}
                None => panic!(
                    "{end:?} never came, but {:?}",
                    String::from_utf8_lossy(&said)
                ),
            }
        }
        String::from_utf8(said).unwrap()
    }

    /// All that is written until the program waits for input, stdout first.
    pub async fn hear_until_awaiting(&mut self) -> [String; 2] {
        let mut said = [Vec::new(), Vec::new()];
        loop {
            match self.hear().await {
                Some(Heard::Output(OutputStream::Stdout, bytes)) => {
                    said[0].extend_from_slice(&bytes);
                }
                Some(Heard::Output(OutputStream::Stderr, bytes)) => {
                    said[1].extend_from_slice(&bytes);
                }
                Some(Heard::Awaiting) => break,
                None => panic!("it never waited for input"),
            }
        }
        said.map(|said| String::from_utf8(said).unwrap())
    }
}

/// The program's side: passes everything on as it happens, and gives input no sooner than it is wanted.
#[derive(Debug)]
pub struct Conversation {
    tell: mpsc::UnboundedSender<Heard>,
    sent: mpsc::UnboundedReceiver<RunInput>,
    cancel: Arc<Notify>,
    is_cancelled: bool,
    asked: watch::Sender<Asked>,
}

#[async_trait]
impl RunIo for Conversation {
    async fn output(&mut self, stream: OutputStream, bytes: Bytes) {
        // The partner may have heard enough.
        drop(self.tell.send(Heard::Output(stream, bytes)));
    }

    fn cut(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, wanted: InputWanted) -> RunInput {
        if self.is_cancelled {
            std::future::pending::<()>().await;
        }
        let takes_all = wanted == InputWanted::Anything;
        self.asked
            .send_modify(|asked| asked.only_cancel = !takes_all);
        let input = tokio::select! {
            biased;
            () = self.cancel.notified() => RunInput::Cancel,
            Some(input) = self.sent.recv(), if takes_all => input,
        };
        match &input {
            RunInput::Data(bytes) => {
                let length = bytes.len();
                self.asked.send_modify(|asked| asked.taken_bytes += length);
            }
            RunInput::Closed => {}
            RunInput::Cancel => self.is_cancelled = true,
        }
        input
    }

    async fn awaiting_input(&mut self) {
        drop(self.tell.send(Heard::Awaiting));
    }
}

/// The two sides of a conversation with one program.
#[must_use]
pub fn conversation() -> (Conversation, Partner) {
    let (tell, heard) = mpsc::unbounded_channel();
    let (send, sent_by_partner) = mpsc::unbounded_channel();
    let asked = watch::Sender::new(Asked::default());
    let cancel = Arc::new(Notify::new());
    let partner = Partner {
        heard,
        send,
        cancel: Arc::clone(&cancel),
        asked: asked.subscribe(),
    };
    let program = Conversation {
        tell,
        sent: sent_by_partner,
        cancel,
        is_cancelled: false,
        asked,
    };
    (program, partner)
}

impl RunnerUnderTest {
    /// Runs a program to its end while somebody talks with it.
    pub(super) async fn talk(
        &self,
        program: Program,
        talk: impl AsyncFnOnce(&mut Partner),
    ) -> Report {
        let (mut io, mut partner) = conversation();
        let request = program.interactive().request(self, 1);
        // The partner learns of the end by the loss of the other side.
        let running = async move { self.runner.run(request, &mut io).await };
        let talking = talk(&mut partner);
        let (report, ()) = within(Box::pin(async { tokio::join!(running, talking) })).await;
        report.unwrap()
    }
}
