//! Moves bytes between a program and its client.

use coderun_domain::{ByteSize, Output, OutputBuffer, OutputStream, RunInput, RunIo};
use tokio::net::unix::pipe;

use super::input::Input;
use super::pipes::OUTPUT_BYTES;
use super::stage_signals::{StageSignals, StopReason};
use super::stderr_tail::StderrTail;
use super::streams::{READ_BYTES, Streams};
use super::wait_detector::WaitDetector;
use super::waiting_program::Place;
use crate::slots::Slot;
use crate::stdin_readers::StdinWait;

/// The receivers of both output streams.
#[derive(Debug)]
pub(super) struct OutputSinks {
    pub(super) stdout: OutputSink,
    pub(super) stderr: OutputSink,
}

/// The receiver of an output stream.
#[derive(Debug)]
pub(super) enum OutputSink {
    /// The client, which gets this many more bytes and the piece that goes beyond.
    Client { left: usize },
    /// A buffer, for the output of a compiler. Output beyond its capacity is dropped.
    Buffer(OutputBuffer),
}

impl OutputSinks {
    /// Passes up to this much of each stream on to the client.
    pub(super) fn client(limit: ByteSize) -> Self {
        let left = usize::try_from(limit.as_bytes()).unwrap_or(usize::MAX);
        Self {
            stdout: OutputSink::Client { left },
            stderr: OutputSink::Client { left },
        }
    }

    /// Keeps up to this much of each stream.
    pub(super) fn buffers(limit: ByteSize) -> Self {
        Self {
            stdout: OutputSink::Buffer(OutputBuffer::new(limit)),
            stderr: OutputSink::Buffer(OutputBuffer::new(limit)),
        }
    }
}

impl OutputSink {
    /// The kept output, which is none of a client.
    pub(super) fn finish(self) -> Output {
        match self {
            Self::Client { .. } => Output::default(),
            Self::Buffer(buffer) => buffer.finish(),
        }
    }
}

/// The service's side of a stage's streams.
pub(super) struct StageIo<'a, 'io> {
    pub(super) client: &'a mut (dyn RunIo + 'io),
    pub(super) input: &'a mut Input,
    pub(super) sinks: &'a mut OutputSinks,
}

/// The two sides between which bytes are moved.
pub(super) struct Pump<'a, 'io> {
    pub(super) io: StageIo<'a, 'io>,
    pub(super) signals: &'a StageSignals,
    pub(super) slot: &'a Slot,
    pub(super) stderr_tail: StderrTail,
}

enum Event {
    Gone,
    Input(RunInput),
    Writable,
    Readable(OutputStream),
    InputAwaited(StdinWait),
    PlaceWanted,
}

impl Pump<'_, '_> {
    /// Moves bytes until the stage is gone and everything it wrote was delivered. Returns the end of stderr.
    pub(super) async fn run(mut self, mut streams: Streams) -> StderrTail {
        let signals = self.signals;
        let mut detector = WaitDetector::new();
        let mut is_place_requested = false;
        loop {
            streams.close_at_end(self.io.input);
            let event = tokio::select! {
                biased;
                event = self.next(&streams, &mut detector) => event,
                () = signals.place.until(Place::Wanted), if !is_place_requested => Event::PlaceWanted,
            };
            match event {
                Event::Gone => break,
                Event::Input(received) => {
                    is_place_requested = false;
                    self.io.input.receive(received, self.signals);
                    self.slot.end_waiting();
                }
                Event::Writable => {
                    streams.write(self.io.input);
                    detector.reset();
                }
                Event::Readable(stream) => {
                    self.deliver_held(&mut streams, stream).await;
                    detector.reset();
                }
                Event::InputAwaited(StdinWait::Endless) => {
                    self.report_wait(&mut streams).await;
                    self.park();
                }
                Event::InputAwaited(StdinWait::Timed) => {
                    self.park();
                    detector.slow_down();
                }
                Event::PlaceWanted => {
                    self.io.client.request_place();
                    is_place_requested = true;
                }
            }
        }
        // No process can write any more: the pipes hold the rest.
        self.deliver_all(&mut streams).await;
        self.stderr_tail
    }

    async fn next(&mut self, streams: &Streams, detector: &mut WaitDetector) -> Event {
        let has_input = !self.io.input.pending().is_empty();
        let watched = streams
            .stdin()
            .filter(|_| self.io.input.wants_wait_notice());
        tokio::select! {
            biased;
            () = self.signals.gone() => Event::Gone,
            received = self.io.client.input(self.io.input.wanted()) => Event::Input(received),
            stream = streams.readable() => Event::Readable(stream),
            () = streams.writable(), if has_input => Event::Writable,
            wait = until_awaited(watched, detector, self.signals) => Event::InputAwaited(wait),
        }
    }

    /// Reports that the program waits for input, after delivering what it wrote before: the client sees the prompt first.
    async fn report_wait(&mut self, streams: &mut Streams) {
        self.deliver_all(streams).await;
        self.io.client.awaiting_input().await;
        self.io.input.mark_wait_noticed();
    }

    /// Gives the place of the run to others while the program waits.
    fn park(&mut self) {
        if self.signals.place.get() != Place::Held || !self.slot.begin_waiting() {
            return;
        }
        if self.io.client.park() {
            self.signals.place.set(Place::Given);
        } else {
            self.slot.end_waiting();
        }
    }

    /// Reads and delivers everything in the pipes, in the order in which they were written to.
    async fn deliver_all(&mut self, streams: &mut Streams) {
        while let Some(stream) = streams.first_readable() {
            self.deliver_held(streams, stream).await;
        }
    }

    /// Reads and delivers what a stream holds now. More than a pipe can hold came later, perhaps later than what the other
    /// stream holds.
    async fn deliver_held(&mut self, streams: &mut Streams, stream: OutputStream) {
        for _ in 0..OUTPUT_BYTES / READ_BYTES {
            if self.deliver_next(streams, stream).await < READ_BYTES {
                break;
            }
        }
    }

    /// Reads and delivers one piece of a stream; returns its length.
    async fn deliver_next(&mut self, streams: &mut Streams, stream: OutputStream) -> usize {
        let Some(bytes) = streams.read(stream) else {
            return 0;
        };
        let length = bytes.len();
        let sink = match stream {
            OutputStream::Stdout => &mut self.io.sinks.stdout,
            OutputStream::Stderr => {
                self.stderr_tail.push(&bytes);
                &mut self.io.sinks.stderr
            }
        };
        let left = match sink {
            OutputSink::Client { left } => left,
            OutputSink::Buffer(buffer) => {
                buffer.push(&bytes);
                return length;
            }
        };
        if length > *left {
            self.signals.stop(StopReason::Output);
            streams.leave_unread(stream);
        }
        *left = left.saturating_sub(length);
        // Also the piece beyond the limit, so that the client knows that there was more.
        self.io.client.output(stream, bytes).await;
        length
    }
}

/// Waits until the program waits for input from this pipe; for ever, if the client gets no notice.
async fn until_awaited(
    stdin: Option<&pipe::Sender>,
    detector: &mut WaitDetector,
    signals: &StageSignals,
) -> StdinWait {
    match stdin {
        Some(stdin) => detector.until_waiting(stdin, signals).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use coderun_conformance::code_runner::{ProgramEvent, interactive_io};
    use coderun_domain::testing;

    use super::super::streams::tests::streams;
    use super::*;
    use crate::slots::Slots;

    #[tokio::test]
    async fn a_prompt_is_delivered_before_the_wait_is_reported() {
        let (mut streams, [_reader, writer, error_writer]) = streams();
        rustix::io::write(&writer, b"name? ").unwrap();
        rustix::io::write(&error_writer, b"careful").unwrap();
        let (mut io, mut client) = interactive_io();
        let mut pump = Pump {
            io: StageIo {
                client: &mut io,
                input: &mut Input::of(testing::interactive_execution().submission()),
                sinks: &mut OutputSinks::client(ByteSize::from_kib(1)),
            },
            signals: &StageSignals::new(),
            slot: &Slots::new(1).try_take().unwrap(),
            stderr_tail: StderrTail::default(),
        };
        pump.report_wait(&mut streams).await;
        for expected in [
            ProgramEvent::Output(OutputStream::Stdout, "name? ".into()),
            ProgramEvent::Output(OutputStream::Stderr, "careful".into()),
            ProgramEvent::AwaitingInput,
        ] {
            assert_eq!(client.next_event().await, Some(expected));
        }
    }
}
