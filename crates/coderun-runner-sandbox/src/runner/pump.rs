//! Moves bytes between a program and whoever started it.

use coderun_domain::{ByteSize, Output, OutputBuffer, OutputStream, RunInput, RunIo};
use tokio::net::unix::pipe;

use super::input::Input;
use super::reader_watch::ReaderWatch;
use super::streams::{Reading, Streams};
use super::supervise::{StageSignals, StopReason};

/// Where output goes.
#[derive(Debug)]
pub(super) enum Sink {
    /// To whoever started the program, up to so many bytes a stream and the piece that goes beyond.
    Program {
        stdout_left: usize,
        stderr_left: usize,
    },
    /// Kept: it is the compiler's. What is more than fits is read and dropped.
    Compiler {
        stdout: OutputBuffer,
        stderr: OutputBuffer,
    },
}

impl Sink {
    pub(super) fn program(cap: ByteSize) -> Self {
        let cap = usize::try_from(cap.as_bytes()).unwrap_or(usize::MAX);
        Self::Program {
            stdout_left: cap,
            stderr_left: cap,
        }
    }

    /// What was kept of both streams: nothing of a program's.
    pub(super) fn into_outputs(self) -> (Output, Output) {
        match self {
            Self::Program { .. } => (Output::default(), Output::default()),
            Self::Compiler { stdout, stderr } => (stdout.finish(), stderr.finish()),
        }
    }

    pub(super) fn compiler(cap: ByteSize) -> Self {
        Self::Compiler {
            stdout: OutputBuffer::new(cap),
            stderr: OutputBuffer::new(cap),
        }
    }
}

/// The two sides between which bytes are moved.
pub(super) struct Pump<'a, 'io> {
    pub(super) io: &'a mut (dyn RunIo + 'io),
    pub(super) input: &'a mut Input,
    pub(super) sink: &'a mut Sink,
    pub(super) signals: &'a StageSignals,
}

enum Event {
    Gone,
    Input(RunInput),
    Writable,
    Readable(OutputStream),
    InputAwaited,
}

impl Pump<'_, '_> {
    /// Moves bytes until the stage is gone and everything it wrote was delivered.
    pub(super) async fn run(mut self, mut streams: Streams) {
        let mut watch = ReaderWatch::new();
        loop {
            streams.settle(self.input);
            match self.next(&streams, &mut watch).await {
                Event::Gone => break,
                Event::Input(received) => self.input.take(received, self.signals),
                Event::Writable => {
                    streams.write(self.input);
                    watch.expect_soon();
                }
                Event::Readable(stream) => {
                    self.deliver_next(&mut streams, stream, Reading::WhenReady)
                        .await;
                    watch.expect_soon();
                }
                Event::InputAwaited => self.tell_awaited(&mut streams).await,
            }
        }
        // Nothing can write any more: what the pipes still hold is the rest.
        self.deliver_rest(&mut streams).await;
    }

    async fn next(&mut self, streams: &Streams, watch: &mut ReaderWatch) -> Event {
        let has_input = !self.input.waiting().is_empty();
        let awaited_from = streams.stdin().filter(|_| self.input.may_be_awaited());
        tokio::select! {
            biased;
            () = self.signals.gone() => Event::Gone,
            received = self.io.input(self.input.wanted()) => Event::Input(received),
            () = streams.readable(OutputStream::Stderr) => Event::Readable(OutputStream::Stderr),
            () = streams.readable(OutputStream::Stdout) => Event::Readable(OutputStream::Stdout),
            () = streams.writable(), if has_input => Event::Writable,
            () = awaited(awaited_from, watch, self.signals) => Event::InputAwaited,
        }
    }

    /// Tells that the program waits for input, after what it wrote before: whoever is to answer sees that first.
    async fn tell_awaited(&mut self, streams: &mut Streams) {
        self.deliver_rest(streams).await;
        self.io.awaiting_input().await;
        self.input.note_awaited();
    }

    /// Reads and delivers all that the pipes hold.
    async fn deliver_rest(&mut self, streams: &mut Streams) {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            while self.deliver_next(streams, stream, Reading::AtOnce).await {}
        }
    }

    /// Reads and delivers one piece of a stream; answers whether there was one.
    async fn deliver_next(
        &mut self,
        streams: &mut Streams,
        stream: OutputStream,
        how: Reading,
    ) -> bool {
        let Some(bytes) = streams.read(stream, how) else {
            return false;
        };
        let left = match (&mut *self.sink, stream) {
            (Sink::Compiler { stdout, .. }, OutputStream::Stdout) => {
                stdout.push(&bytes);
                return true;
            }
            (Sink::Compiler { stderr, .. }, OutputStream::Stderr) => {
                stderr.push(&bytes);
                return true;
            }
            (Sink::Program { stdout_left, .. }, OutputStream::Stdout) => stdout_left,
            (Sink::Program { stderr_left, .. }, OutputStream::Stderr) => stderr_left,
        };
        if bytes.len() > *left {
            self.signals.stop(StopReason::Output);
            streams.leave_unread(stream);
        }
        *left = left.saturating_sub(bytes.len());
        // Also what is beyond the limit, so that whoever keeps the head knows that there was more.
        self.io.output(stream, bytes).await;
        true
    }
}

/// Waits until the program waits for what comes from there; for ever, if nobody is to know.
async fn awaited(stdin: Option<&pipe::Sender>, watch: &mut ReaderWatch, signals: &StageSignals) {
    match stdin {
        Some(stdin) => watch.until_waiting(stdin, signals).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use bytes::Bytes;
    use coderun_domain::{InputWanted, testing};

    use super::super::streams::tests::{hear_of_nothing, streams};
    use super::*;

    /// Keeps what it is told, in its order.
    #[derive(Default)]
    struct Told(Vec<Bytes>);

    #[async_trait]
    impl RunIo for Told {
        async fn output(&mut self, _stream: OutputStream, bytes: Bytes) {
            self.0.push(bytes);
        }

        fn cut(&mut self, _stream: OutputStream) {}

        async fn input(&mut self, _wanted: InputWanted) -> RunInput {
            std::future::pending().await
        }

        async fn awaiting_input(&mut self) {
            self.0.push("awaiting".into());
        }
    }

    #[tokio::test]
    async fn a_prompt_is_told_before_the_wait_even_if_the_runtime_has_not_heard_of_it() {
        let (mut streams, [_reader, writer, error_writer]) = streams();
        hear_of_nothing(&mut streams);
        rustix::io::write(&writer, b"name? ").unwrap();
        rustix::io::write(&error_writer, b"careful").unwrap();
        let mut told = Told::default();
        let mut pump = Pump {
            io: &mut told,
            input: &mut Input::of(testing::interactive_execution().submission()),
            sink: &mut Sink::program(ByteSize::from_kib(1)),
            signals: &StageSignals::new(),
        };
        pump.tell_awaited(&mut streams).await;
        assert_eq!(told.0, ["name? ", "careful", "awaiting"]);
    }
}
