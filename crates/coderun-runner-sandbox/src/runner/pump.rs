//! Moves bytes between a program and whoever started it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use bytes::{Buf, Bytes};
use coderun_domain::{ByteSize, Output, OutputBuffer, OutputStream, RunInput, RunIo};
use tokio::net::unix::pipe;

use super::supervise::{StopReason, StopSwitch};

/// The service's ends of a program's streams.
#[derive(Debug)]
pub(super) struct Streams {
    stdin: Option<pipe::Sender>,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    /// Ends that are read no more but stay open: a program that writes to one waits for its end, where a closed one
    /// would make it complain.
    unread: Vec<pipe::Receiver>,
    /// Whether input is for this stage, or waits for the next.
    takes_input: bool,
    buffer: Vec<u8>,
}

impl Streams {
    pub(super) fn new(stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            stdin: Some(pipe::Sender::from_owned_fd(stdin)?),
            stdout: Some(pipe::Receiver::from_owned_fd(stdout)?),
            stderr: Some(pipe::Receiver::from_owned_fd(stderr)?),
            unread: Vec::new(),
            takes_input: true,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// A program that reads nothing: its stdin is at its end at once, and input waits for the next stage.
    pub(super) fn without_stdin(mut self) -> Self {
        self.stdin = None;
        self.takes_input = false;
        self
    }

    /// Reads no more of a stream.
    fn leave_unread(&mut self, stream: OutputStream) {
        let receiver = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        self.unread.extend(receiver.take());
    }

    /// Reads what is there; `None` where there is nothing now, or never again.
    fn read(&mut self, stream: OutputStream, how: Reading) -> Option<Bytes> {
        let Self {
            stdout,
            stderr,
            buffer,
            ..
        } = self;
        let receiver = match stream {
            OutputStream::Stdout => stdout,
            OutputStream::Stderr => stderr,
        };
        let pipe = receiver.as_ref()?;
        let read = match how {
            Reading::WhenReady => pipe.try_read(buffer),
            Reading::AtOnce => rustix::io::read(pipe, &mut *buffer).map_err(io::Error::from),
        };
        match read {
            Ok(0) => {
                *receiver = None;
                None
            }
            Ok(length) => buffer.get(..length).map(Bytes::copy_from_slice),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => {
                *receiver = None;
                None
            }
        }
    }

    /// Writes what stdin takes. A program that has closed it gets nothing more.
    fn write(&mut self, input: &mut Input) {
        let (Some(stdin), Some(first)) = (&self.stdin, input.waiting.front_mut()) else {
            return;
        };
        match stdin.try_write(first) {
            Ok(length) => {
                first.advance(length);
                input.waiting_bytes = input.waiting_bytes.saturating_sub(length);
                if first.is_empty() {
                    input.waiting.pop_front();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.stdin = None,
        }
    }

    /// Ends stdin after the last input, and drops input that nobody will read.
    fn settle(&mut self, input: &mut Input) {
        if input.is_at_end() {
            self.stdin = None;
        }
        if self.takes_input && self.stdin.is_none() {
            input.waiting.clear();
            input.waiting_bytes = 0;
        }
    }
}

/// How a pipe is read.
#[derive(Debug, Clone, Copy)]
enum Reading {
    /// After the runtime has said that there is something.
    WhenReady,
    /// Whatever the runtime knows, which may be less than is there.
    AtOnce,
}

/// As much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// What is to go to the program's stdin. It lives through both stages: input may come while the program is built.
#[derive(Debug)]
pub(super) struct Input {
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    closed: bool,
}

impl Input {
    /// Begins with the submission's own input.
    pub(super) fn new(first: Bytes) -> Self {
        let mut input = Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            closed: false,
        };
        input.push(first);
        input
    }

    fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
            self.waiting.push_back(bytes);
        }
    }

    /// Waits for a cancellation, and keeps whatever comes before it. Cancel-safe.
    pub(super) async fn until_cancelled(&mut self, io: &mut (dyn RunIo + '_)) {
        while self.has_room() {
            match io.input().await {
                RunInput::Data(bytes) => self.push(bytes),
                RunInput::Closed => self.closed = true,
                RunInput::Cancel => return,
            }
        }
        std::future::pending::<()>().await;
    }

    /// While so much waits to be read, nothing more is asked for: who sends it must wait.
    const fn has_room(&self) -> bool {
        // When it is closed only a cancellation can come, for which there is always room.
        self.closed || self.waiting_bytes <= INPUT_WAITING_MAX_BYTES
    }

    fn is_at_end(&self) -> bool {
        self.closed && self.waiting.is_empty()
    }

    fn take(&mut self, received: RunInput, switch: &StopSwitch) {
        match received {
            RunInput::Data(bytes) => self.push(bytes),
            RunInput::Closed => self.closed = true,
            RunInput::Cancel => switch.stop(StopReason::Cancelled),
        }
    }
}

/// Beside the submission's own input, which is bounded where it was accepted, at most this and one message wait.
const INPUT_WAITING_MAX_BYTES: usize = 2 * 1024 * 1024;

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
    pub(super) switch: &'a StopSwitch,
}

enum Event {
    Gone,
    Input(RunInput),
    Writable,
    Readable(OutputStream),
}

impl Pump<'_, '_> {
    /// Moves bytes until the stage is gone and everything it wrote was delivered.
    pub(super) async fn run(mut self, mut streams: Streams) {
        loop {
            streams.settle(self.input);
            match self.next(&streams).await {
                Event::Gone => break,
                Event::Input(received) => self.input.take(received, self.switch),
                Event::Writable => streams.write(self.input),
                Event::Readable(stream) => {
                    self.deliver_next(&mut streams, stream, Reading::WhenReady)
                        .await;
                }
            }
        }
        // Nothing can write any more: what the pipes still hold is the rest.
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            while self
                .deliver_next(&mut streams, stream, Reading::AtOnce)
                .await
            {}
        }
    }

    async fn next(&mut self, streams: &Streams) -> Event {
        let has_input = !self.input.waiting.is_empty();
        tokio::select! {
            biased;
            () = self.switch.gone() => Event::Gone,
            received = self.io.input(), if self.input.has_room() => Event::Input(received),
            () = readable(streams.stderr.as_ref()) => Event::Readable(OutputStream::Stderr),
            () = readable(streams.stdout.as_ref()) => Event::Readable(OutputStream::Stdout),
            () = writable(streams.stdin.as_ref()), if has_input => Event::Writable,
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
            self.switch.stop(StopReason::Output);
            streams.leave_unread(stream);
        }
        *left = left.saturating_sub(bytes.len());
        // Also what is beyond the limit, so that whoever keeps the head knows that there was more.
        self.io.output(stream, bytes).await;
        true
    }
}

/// Waits until there is something to read; for ever at the end of a stream.
async fn readable(receiver: Option<&pipe::Receiver>) {
    match receiver {
        // An error shows again where it is read.
        Some(receiver) => drop(receiver.readable().await),
        None => std::future::pending().await,
    }
}

/// Waits until something can be written; for ever after the end.
async fn writable(sender: Option<&pipe::Sender>) {
    match sender {
        // An error shows again where it is written.
        Some(sender) => drop(sender.writable().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[tokio::test]
    async fn the_rest_is_read_even_if_the_runtime_has_not_heard_of_it() {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).unwrap();
        let ((_, stdin), (stdout, writer), (stderr, _error_writer)) = (pipe(), pipe(), pipe());
        let mut streams = Streams::new(stdin, stdout, stderr).unwrap();
        // The runtime learns that there is nothing, and is given no time to learn of what comes after.
        while streams
            .read(OutputStream::Stdout, Reading::WhenReady)
            .is_some()
        {}
        rustix::io::write(&writer, b"rest").unwrap();
        let heard = streams.read(OutputStream::Stdout, Reading::WhenReady);
        let read = streams.read(OutputStream::Stdout, Reading::AtOnce);
        assert_eq!(heard, None);
        assert_eq!(read, Some(Bytes::from_static(b"rest")));
    }

    #[test]
    fn who_sends_more_than_fits_must_wait_until_it_is_closed() {
        let mut input = Input::new(Bytes::new());
        let switch = StopSwitch::new();
        assert!(input.has_room());
        let large = Bytes::from(vec![0; INPUT_WAITING_MAX_BYTES + 1]);
        input.take(RunInput::Data(large), &switch);
        assert!(!input.has_room());
        input.take(RunInput::Closed, &switch);
        assert!(input.has_room());
    }
}
